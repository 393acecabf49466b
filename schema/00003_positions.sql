-- +goose Up
-- TAO staked into a subnet: alpha bought, some of it sold again. The id is the id of its event.
CREATE TABLE positions (
  position_id     INTEGER              PRIMARY KEY REFERENCES events (event_id),
  miner_id        bigint               NOT NULL REFERENCES miners (miner_id),
  netuid          netuid_int           NOT NULL,
  hotkey          address_text         NOT NULL,
  extrinsic_id    TEXT                 NOT NULL,
  event_index     bigint               NOT NULL,
  entry_block     bigint               NOT NULL,
  entry_time      time_int             NOT NULL,
  entry_tao       rao_int              NOT NULL,
  entry_alpha     rao_int              NOT NULL,
  remaining_alpha rao_int              NOT NULL,
  status          position_status_text NOT NULL,
  last_exit_time  time_int,
  closed_at       time_int,
  gain            rao_int              NOT NULL DEFAULT 0,
  CONSTRAINT positions_entry_tao_in_range CHECK (typeof(entry_tao) = 'integer' AND entry_tao > 0),
  CONSTRAINT positions_entry_alpha_in_range CHECK (typeof(entry_alpha) = 'integer' AND entry_alpha > 0),
  CONSTRAINT positions_remaining_within_entry CHECK (typeof(remaining_alpha) = 'integer' AND remaining_alpha BETWEEN 0 AND entry_alpha),
  CONSTRAINT positions_status_known CHECK (status IN ('open', 'partial', 'closed')),
  CONSTRAINT positions_open_when_whole CHECK ((status = 'open') = (remaining_alpha = entry_alpha)),
  CONSTRAINT positions_closed_when_empty CHECK ((status = 'closed') = (remaining_alpha = 0)),
  CONSTRAINT positions_last_exit_when_sold CHECK ((status = 'open') = (last_exit_time IS NULL)),
  CONSTRAINT positions_last_exit_after_entry CHECK (last_exit_time IS NULL OR (typeof(last_exit_time) = 'integer' AND last_exit_time BETWEEN entry_time AND 253402300799999999)),
  CONSTRAINT positions_closed_at_when_closed CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
  CONSTRAINT positions_closed_at_is_last_exit CHECK (closed_at IS NULL OR closed_at = last_exit_time),
  CONSTRAINT positions_gain_in_range CHECK (typeof(gain) = 'integer' AND (status <> 'open' OR gain = 0))
);

-- First in, first out: a close seeks here and reads as far as it sells.
CREATE INDEX positions_fifo ON positions (miner_id, netuid, entry_time, entry_block, position_id) WHERE remaining_alpha > 0;
CREATE INDEX positions_by_time ON positions (miner_id, entry_time, position_id);

-- What the event says is what the position says, so one check against it stands for all the others.
-- +goose StatementBegin
CREATE TRIGGER positions_insert BEFORE INSERT ON positions
BEGIN
  SELECT RAISE(ABORT, 'positions: this position is already recorded')
  WHERE EXISTS (SELECT 1 FROM positions p WHERE p.position_id = NEW.position_id);
  SELECT RAISE(ABORT, 'positions: a position begins open and as its event says')
  WHERE NEW.status <> 'open' OR NOT EXISTS (
    SELECT 1 FROM events e
    WHERE e.event_id = NEW.position_id AND e.kind = 'stake' AND e.outcome = 'applied'
      AND e.miner_id = NEW.miner_id AND e.netuid = NEW.netuid AND e.hotkey = NEW.hotkey
      AND e.extrinsic_id = NEW.extrinsic_id AND e.event_index = NEW.event_index
      AND e.block = NEW.entry_block AND e.time = NEW.entry_time
      AND e.tao = NEW.entry_tao AND e.alpha = NEW.entry_alpha);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER positions_entry BEFORE UPDATE OF position_id, miner_id, netuid, hotkey, extrinsic_id, event_index,
  entry_block, entry_time, entry_tao, entry_alpha ON positions
BEGIN
  SELECT RAISE(ABORT, 'positions: what a position was opened with never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER positions_close BEFORE UPDATE OF remaining_alpha, status, last_exit_time, closed_at, gain ON positions
WHEN (OLD.remaining_alpha = 0 OR NEW.remaining_alpha >= OLD.remaining_alpha)
 AND NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'positions: a position only ever shrinks, and closed is final');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER positions_delete BEFORE DELETE ON positions
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'positions: a position is not deleted without an archived copy');
END;
-- +goose StatementEnd

-- Alpha sold for TAO. The id is the id of its event. What no position covered is unmatched.
CREATE TABLE trades (
  trade_id        INTEGER      PRIMARY KEY REFERENCES events (event_id),
  miner_id        bigint       NOT NULL REFERENCES miners (miner_id),
  netuid          netuid_int   NOT NULL,
  hotkey          address_text NOT NULL,
  extrinsic_id    TEXT         NOT NULL,
  event_index     bigint       NOT NULL,
  exit_block      bigint       NOT NULL,
  exit_time       time_int     NOT NULL,
  exit_tao        rao_int      NOT NULL,
  exit_alpha      rao_int      NOT NULL,
  unmatched_alpha rao_int      NOT NULL,
  unmatched_tao   rao_int      NOT NULL,
  CONSTRAINT trades_exit_tao_in_range CHECK (typeof(exit_tao) = 'integer' AND exit_tao > 0),
  CONSTRAINT trades_exit_alpha_in_range CHECK (typeof(exit_alpha) = 'integer' AND exit_alpha > 0),
  CONSTRAINT trades_unmatched_alpha_within_exit CHECK (typeof(unmatched_alpha) = 'integer' AND unmatched_alpha >= 0 AND unmatched_alpha < exit_alpha),
  CONSTRAINT trades_unmatched_tao_within_exit CHECK (typeof(unmatched_tao) = 'integer' AND unmatched_tao BETWEEN 0 AND exit_tao),
  CONSTRAINT trades_unmatched_together CHECK (unmatched_alpha > 0 OR unmatched_tao = 0)
);

CREATE INDEX trades_by_time ON trades (miner_id, exit_time, trade_id);

-- +goose StatementBegin
CREATE TRIGGER trades_insert BEFORE INSERT ON trades
BEGIN
  SELECT RAISE(ABORT, 'trades: this trade is already recorded')
  WHERE EXISTS (SELECT 1 FROM trades t WHERE t.trade_id = NEW.trade_id);
  SELECT RAISE(ABORT, 'trades: a trade is as its event says')
  WHERE NOT EXISTS (
    SELECT 1 FROM events e
    WHERE e.event_id = NEW.trade_id AND e.kind = 'unstake' AND e.outcome = 'applied'
      AND e.miner_id = NEW.miner_id AND e.netuid = NEW.netuid AND e.hotkey = NEW.hotkey
      AND e.extrinsic_id = NEW.extrinsic_id AND e.event_index = NEW.event_index
      AND e.block = NEW.exit_block AND e.time = NEW.exit_time
      AND e.tao = NEW.exit_tao AND e.alpha = NEW.exit_alpha);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER trades_exit BEFORE UPDATE OF trade_id, miner_id, netuid, hotkey, extrinsic_id, event_index,
  exit_block, exit_time, exit_tao, exit_alpha ON trades
BEGIN
  SELECT RAISE(ABORT, 'trades: what a trade sold never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER trades_unmatched BEFORE UPDATE OF unmatched_alpha, unmatched_tao ON trades
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'trades: what a trade left unmatched changes only in a rebuild');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER trades_delete BEFORE DELETE ON trades
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'trades: a trade is not deleted without an archived copy');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE trades;
DROP TABLE positions;
