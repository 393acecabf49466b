-- +goose Up
-- TAO staked into a subnet: alpha bought, some of it sold again. The id is the id of its event. A position that
-- is closed may be archived: it stays where it is, and archive_run says by which run; the indexes keep the
-- archived ones apart, so that lists of the others stay as short as what still happens.
CREATE TABLE positions (
  position_id     bigint               PRIMARY KEY REFERENCES events (event_id),
  miner_id        bigint               NOT NULL REFERENCES miners (miner_id),
  netuid          netuid_int           NOT NULL,
  hotkey          address_text         NOT NULL,
  extrinsic_id    text COLLATE "C"                 NOT NULL,
  event_index     bigint               NOT NULL,
  event_key       event_key_text       NOT NULL,
  entry_block     bigint               NOT NULL,
  entry_time      time_int             NOT NULL,
  entry_tao       rao_int              NOT NULL,
  entry_alpha     rao_int              NOT NULL,
  remaining_alpha rao_int              NOT NULL,
  status          position_status_text NOT NULL,
  last_exit_time  time_int,
  closed_at       time_int,
  gain            rao_int              NOT NULL DEFAULT 0,
  archive_run     bigint,
  CONSTRAINT positions_archive_run_known FOREIGN KEY (archive_run, miner_id) REFERENCES archive_runs (run_id, miner_id),
  CONSTRAINT positions_entry_tao_in_range CHECK (entry_tao > 0),
  CONSTRAINT positions_entry_alpha_in_range CHECK (entry_alpha > 0),
  CONSTRAINT positions_remaining_within_entry CHECK (remaining_alpha BETWEEN 0 AND entry_alpha),
  CONSTRAINT positions_status_known CHECK (status IN ('open', 'partial', 'closed')),
  CONSTRAINT positions_open_when_whole CHECK ((status = 'open') = (remaining_alpha = entry_alpha)),
  CONSTRAINT positions_closed_when_empty CHECK ((status = 'closed') = (remaining_alpha = 0)),
  CONSTRAINT positions_last_exit_when_sold CHECK ((status = 'open') = (last_exit_time IS NULL)),
  CONSTRAINT positions_last_exit_after_entry CHECK (last_exit_time IS NULL OR (last_exit_time BETWEEN entry_time AND 253402300799999999)),
  CONSTRAINT positions_closed_at_when_closed CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
  CONSTRAINT positions_closed_at_is_last_exit CHECK (closed_at IS NULL OR closed_at = last_exit_time),
  CONSTRAINT positions_gain_in_range CHECK (status <> 'open' OR gain = 0),
  CONSTRAINT positions_archived_when_closed CHECK (archive_run IS NULL OR status = 'closed')
);

-- First in, first out: a close seeks here and reads as far as it sells.
CREATE INDEX positions_fifo ON positions (miner_id, netuid, event_key) WHERE remaining_alpha > 0;

-- Lists of a miner's positions in order, the archived ones apart.
CREATE INDEX positions_in_order ON positions (miner_id, (CASE WHEN archive_run IS NULL THEN 0 ELSE 1 END), event_key);

-- What was closed when, for how much: scores sum it by day, archiving seeks what is old enough.
CREATE INDEX positions_closed ON positions (miner_id, (CASE WHEN archive_run IS NULL THEN 0 ELSE 1 END), closed_at, position_id, gain) WHERE closed_at IS NOT NULL;

-- What the event says is what the position says, so one check against it stands for all the others.
-- +goose StatementBegin
CREATE FUNCTION positions_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM positions p WHERE p.position_id = NEW.position_id) THEN
    RAISE EXCEPTION 'positions: this position is already recorded' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  IF NEW.status <> 'open' OR NOT EXISTS (
    SELECT 1 FROM events e
    WHERE e.event_id = NEW.position_id AND e.kind = 'stake' AND e.outcome = 'applied'
      AND e.miner_id = NEW.miner_id AND e.netuid = NEW.netuid AND e.hotkey = NEW.hotkey
      AND e.extrinsic_id = NEW.extrinsic_id AND e.event_index = NEW.event_index AND e.event_key = NEW.event_key
      AND e.block = NEW.entry_block AND e.time = NEW.entry_time
      AND e.tao = NEW.entry_tao AND e.alpha = NEW.entry_alpha) THEN
    RAISE EXCEPTION 'positions: a position begins open and as its event says' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER positions_insert BEFORE INSERT ON positions FOR EACH ROW EXECUTE FUNCTION positions_insert();

-- +goose StatementBegin
CREATE FUNCTION positions_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'positions: what a position was opened with never changes' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER positions_entry BEFORE UPDATE OF position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, entry_block, entry_time, entry_tao, entry_alpha
  ON positions FOR EACH ROW EXECUTE FUNCTION positions_entry();

-- +goose StatementBegin
CREATE FUNCTION positions_close() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.remaining_alpha = 0 OR NEW.remaining_alpha >= OLD.remaining_alpha)
 AND NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id) THEN
    RAISE EXCEPTION 'positions: a position only ever shrinks, and closed is final' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER positions_close BEFORE UPDATE OF remaining_alpha, status, last_exit_time, closed_at, gain
  ON positions FOR EACH ROW EXECUTE FUNCTION positions_close();

-- +goose StatementBegin
CREATE FUNCTION positions_archive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.archive_run IS NOT NULL
 AND NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id) THEN
    RAISE EXCEPTION 'positions: only a rebuild takes a position out of the archive' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER positions_archive BEFORE UPDATE OF archive_run ON positions FOR EACH ROW EXECUTE FUNCTION positions_archive();

-- +goose StatementBegin
CREATE FUNCTION positions_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id) THEN
    RAISE EXCEPTION 'positions: a position is deleted only in a rebuild' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER positions_delete BEFORE DELETE ON positions FOR EACH ROW EXECUTE FUNCTION positions_delete();

-- Alpha sold for TAO. The id is the id of its event. What no position covered is unmatched. A trade is archived
-- when all positions that it closed are.
CREATE TABLE trades (
  trade_id        bigint         PRIMARY KEY REFERENCES events (event_id),
  miner_id        bigint         NOT NULL REFERENCES miners (miner_id),
  netuid          netuid_int     NOT NULL,
  hotkey          address_text   NOT NULL,
  extrinsic_id    text COLLATE "C"           NOT NULL,
  event_index     bigint         NOT NULL,
  event_key       event_key_text NOT NULL,
  exit_block      bigint         NOT NULL,
  exit_time       time_int       NOT NULL,
  exit_tao        rao_int        NOT NULL,
  exit_alpha      rao_int        NOT NULL,
  unmatched_alpha rao_int        NOT NULL,
  unmatched_tao   rao_int        NOT NULL,
  archive_run     bigint,
  CONSTRAINT trades_archive_run_known FOREIGN KEY (archive_run, miner_id) REFERENCES archive_runs (run_id, miner_id),
  CONSTRAINT trades_exit_tao_in_range CHECK (exit_tao > 0),
  CONSTRAINT trades_exit_alpha_in_range CHECK (exit_alpha > 0),
  CONSTRAINT trades_unmatched_alpha_within_exit CHECK (unmatched_alpha >= 0 AND unmatched_alpha < exit_alpha),
  CONSTRAINT trades_unmatched_tao_within_exit CHECK (unmatched_tao BETWEEN 0 AND exit_tao),
  CONSTRAINT trades_unmatched_together CHECK (unmatched_alpha > 0 OR unmatched_tao = 0)
);

CREATE INDEX trades_in_order ON trades (miner_id, (CASE WHEN archive_run IS NULL THEN 0 ELSE 1 END), event_key);

-- +goose StatementBegin
CREATE FUNCTION trades_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM trades t WHERE t.trade_id = NEW.trade_id) THEN
    RAISE EXCEPTION 'trades: this trade is already recorded' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  IF NEW.archive_run IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM events e
    WHERE e.event_id = NEW.trade_id AND e.kind = 'unstake' AND e.outcome = 'applied'
      AND e.miner_id = NEW.miner_id AND e.netuid = NEW.netuid AND e.hotkey = NEW.hotkey
      AND e.extrinsic_id = NEW.extrinsic_id AND e.event_index = NEW.event_index AND e.event_key = NEW.event_key
      AND e.block = NEW.exit_block AND e.time = NEW.exit_time
      AND e.tao = NEW.exit_tao AND e.alpha = NEW.exit_alpha) THEN
    RAISE EXCEPTION 'trades: a trade begins live and as its event says' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER trades_insert BEFORE INSERT ON trades FOR EACH ROW EXECUTE FUNCTION trades_insert();

-- +goose StatementBegin
CREATE FUNCTION trades_exit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'trades: what a trade sold never changes' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER trades_exit BEFORE UPDATE OF trade_id, miner_id, netuid, hotkey, extrinsic_id, event_index, event_key, exit_block, exit_time, exit_tao, exit_alpha
  ON trades FOR EACH ROW EXECUTE FUNCTION trades_exit();

-- +goose StatementBegin
CREATE FUNCTION trades_unmatched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id) THEN
    RAISE EXCEPTION 'trades: what a trade left unmatched changes only in a rebuild' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER trades_unmatched BEFORE UPDATE OF unmatched_alpha, unmatched_tao
  ON trades FOR EACH ROW EXECUTE FUNCTION trades_unmatched();

-- +goose StatementBegin
CREATE FUNCTION trades_archive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.archive_run IS NOT NULL AND NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id) THEN
    RAISE EXCEPTION 'trades: only a rebuild takes a trade out of the archive' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  IF NEW.archive_run IS NOT NULL AND EXISTS (
    SELECT 1 FROM closes c JOIN positions p ON p.position_id = c.position_id
    WHERE c.trade_id = OLD.trade_id AND p.archive_run IS NULL) THEN
    RAISE EXCEPTION 'trades: a trade is archived after the positions that it closed' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER trades_archive BEFORE UPDATE OF archive_run ON trades FOR EACH ROW EXECUTE FUNCTION trades_archive();

-- +goose StatementBegin
CREATE FUNCTION trades_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id) THEN
    RAISE EXCEPTION 'trades: a trade is deleted only in a rebuild' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER trades_delete BEFORE DELETE ON trades FOR EACH ROW EXECUTE FUNCTION trades_delete();

-- The part of a trade that closed a part of a position. Steps number a trade's closes first in, first out.
-- event_key is that of the trade: the closes of a position in order. gain is what counts, after the minimum of
-- blocks and the rule for self-trades; raw_gain is what was earned. A close is archived where its position is.
CREATE TABLE closes (
  trade_id       bigint         NOT NULL REFERENCES trades (trade_id),
  step           bigint         NOT NULL,
  position_id    bigint         NOT NULL REFERENCES positions (position_id),
  miner_id       bigint         NOT NULL,
  event_key      event_key_text NOT NULL,
  alpha          rao_int        NOT NULL,
  tao            rao_int        NOT NULL,
  cost           rao_int        NOT NULL,
  raw_gain       rao_int        NOT NULL,
  gain           rao_int        NOT NULL,
  duration_us    bigint         NOT NULL,
  min_blocks_met flag_int       NOT NULL,
  self_trade     flag_int       NOT NULL,
  PRIMARY KEY (trade_id, step),
  CONSTRAINT closes_position_once UNIQUE (position_id, event_key),
  CONSTRAINT closes_step_in_range CHECK (step >= 0),
  CONSTRAINT closes_alpha_in_range CHECK (alpha > 0),
  CONSTRAINT closes_tao_in_range CHECK (tao >= 0),
  CONSTRAINT closes_cost_in_range CHECK (cost >= 0),
  CONSTRAINT closes_raw_gain_is_tao_less_cost CHECK (raw_gain = tao - cost),
  CONSTRAINT closes_duration_in_range CHECK (duration_us >= 0 AND (self_trade = 0 OR duration_us = 0)),
  CONSTRAINT closes_min_blocks_met_is_flag CHECK (min_blocks_met IN (0, 1) AND (self_trade = 0 OR min_blocks_met = 1)),
  CONSTRAINT closes_self_trade_is_flag CHECK (self_trade IN (0, 1)),
  CONSTRAINT closes_gain_follows_rules CHECK ((
    (self_trade = 0 AND gain = min_blocks_met * raw_gain) OR (self_trade = 1 AND gain BETWEEN -1000000 AND 1000000)))
);

-- A close joins a trade and a position of one miner and one subnet that stands before it in the order of events,
-- and cannot take more than is left. It is inserted before its position shrinks, so what is left is what the
-- position says. That the miner exists, the position vouches for.
-- +goose StatementBegin
CREATE FUNCTION closes_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM closes c WHERE c.trade_id = NEW.trade_id AND c.step = NEW.step)
     OR EXISTS (SELECT 1 FROM closes c WHERE c.position_id = NEW.position_id AND c.event_key = NEW.event_key) THEN
    RAISE EXCEPTION 'closes: this close is already recorded' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  IF NOT EXISTS (
    SELECT 1 FROM positions p JOIN trades t ON t.trade_id = NEW.trade_id
    WHERE p.position_id = NEW.position_id AND p.miner_id = NEW.miner_id AND t.miner_id = NEW.miner_id
      AND t.event_key = NEW.event_key AND p.event_key < t.event_key AND t.archive_run IS NULL
      AND p.netuid = t.netuid
      AND NEW.alpha <= p.remaining_alpha AND NEW.alpha <= t.exit_alpha - t.unmatched_alpha
      AND NEW.tao <= t.exit_tao - t.unmatched_tao AND NEW.cost <= p.entry_tao
      AND (NEW.self_trade = 1) = (p.extrinsic_id = t.extrinsic_id)
      AND (NEW.self_trade = 1 OR NEW.duration_us = t.exit_time - p.entry_time)) THEN
    RAISE EXCEPTION 'closes: a close joins a trade and an earlier open position of the same miner and subnet, within what is left of it' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closes_insert BEFORE INSERT ON closes FOR EACH ROW EXECUTE FUNCTION closes_insert();

-- +goose StatementBegin
CREATE FUNCTION closes_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'closes: a close never changes' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closes_update BEFORE UPDATE ON closes FOR EACH ROW EXECUTE FUNCTION closes_update();

-- +goose StatementBegin
CREATE FUNCTION closes_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id) THEN
    RAISE EXCEPTION 'closes: a close is deleted only in a rebuild' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closes_delete BEFORE DELETE ON closes FOR EACH ROW EXECUTE FUNCTION closes_delete();

-- +goose Down
DROP TABLE closes;
DROP FUNCTION closes_insert();
DROP FUNCTION closes_update();
DROP FUNCTION closes_delete();
DROP TABLE trades;
DROP FUNCTION trades_insert();
DROP FUNCTION trades_exit();
DROP FUNCTION trades_unmatched();
DROP FUNCTION trades_archive();
DROP FUNCTION trades_delete();
DROP TABLE positions;
DROP FUNCTION positions_insert();
DROP FUNCTION positions_entry();
DROP FUNCTION positions_close();
DROP FUNCTION positions_archive();
DROP FUNCTION positions_delete();
