-- +goose Up
-- Positions closed long ago move here with their closes, and trades whose closes have all moved, so that the
-- live tables stay as small as what still happens. The columns are those of the live tables and the rows are
-- their copies; that a row is copied as it stands, and is in one place when it is settled, the triggers see to.
CREATE TABLE archived_positions (
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
  gain            rao_int              NOT NULL,
  CONSTRAINT archived_positions_closed CHECK (status = 'closed' AND remaining_alpha = 0 AND closed_at IS NOT NULL AND closed_at IS last_exit_time),
  CONSTRAINT archived_positions_closed_at_in_range CHECK (typeof(closed_at) = 'integer' AND closed_at BETWEEN entry_time AND 253402300799999999),
  CONSTRAINT archived_positions_gain_in_range CHECK (typeof(gain) = 'integer')
);

CREATE INDEX archived_positions_by_time ON archived_positions (miner_id, entry_time, position_id);

-- What was closed when, for how much: scores sum it by day, archiving seeks what is old enough.
CREATE INDEX archived_positions_closed ON archived_positions (miner_id, closed_at, position_id, gain);
CREATE INDEX positions_closed ON positions (miner_id, closed_at, position_id, gain) WHERE closed_at IS NOT NULL;

CREATE TABLE archived_trades (
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
  CONSTRAINT archived_trades_unmatched_alpha_within_exit CHECK (typeof(unmatched_alpha) = 'integer' AND unmatched_alpha >= 0 AND unmatched_alpha < exit_alpha),
  CONSTRAINT archived_trades_unmatched_tao_within_exit CHECK (typeof(unmatched_tao) = 'integer' AND unmatched_tao BETWEEN 0 AND exit_tao)
);

CREATE INDEX archived_trades_by_time ON archived_trades (miner_id, exit_time, trade_id);

-- A close moves before its position and its trade do, and its trade may stay live for long, so no foreign key
-- can name the table in which they are. It is copied from a live close, whose keys hold; afterwards the delete
-- triggers of all four tables keep its position and its trade in one of their two places.
CREATE TABLE archived_closes (
  trade_id       bigint   NOT NULL,
  step           bigint   NOT NULL,
  position_id    bigint   NOT NULL,
  miner_id       bigint   NOT NULL,
  alpha          rao_int  NOT NULL,
  tao            rao_int  NOT NULL,
  cost           rao_int  NOT NULL,
  raw_gain       rao_int  NOT NULL,
  gain           rao_int  NOT NULL,
  duration_us    bigint   NOT NULL,
  min_blocks_met flag_int NOT NULL,
  self_trade     flag_int NOT NULL,
  PRIMARY KEY (trade_id, step),
  CONSTRAINT archived_closes_position_once UNIQUE (position_id, trade_id)
) WITHOUT ROWID;

-- What a run of archiving moved, miner by miner. A log: it says what was done, not what is there.
CREATE TABLE archive_runs (
  run_id      bigint   NOT NULL,
  miner_id    bigint   NOT NULL REFERENCES miners (miner_id),
  cutoff      time_int NOT NULL,
  started_at  time_int NOT NULL,
  finished_at time_int NOT NULL,
  positions   bigint   NOT NULL,
  trades      bigint   NOT NULL,
  closes      bigint   NOT NULL,
  entry_tao   rao_int  NOT NULL,
  gain        rao_int  NOT NULL,
  PRIMARY KEY (run_id, miner_id),
  CONSTRAINT archive_runs_run_id_in_range CHECK (typeof(run_id) = 'integer' AND run_id >= 1),
  CONSTRAINT archive_runs_cutoff_in_range CHECK (typeof(cutoff) = 'integer' AND cutoff BETWEEN 1 AND 253402300799999999),
  CONSTRAINT archive_runs_started_at_in_range CHECK (typeof(started_at) = 'integer' AND started_at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT archive_runs_finished_at_in_range CHECK (typeof(finished_at) = 'integer' AND finished_at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT archive_runs_positions_in_range CHECK (typeof(positions) = 'integer' AND positions >= 0),
  CONSTRAINT archive_runs_trades_in_range CHECK (typeof(trades) = 'integer' AND trades >= 0),
  CONSTRAINT archive_runs_closes_in_range CHECK (typeof(closes) = 'integer' AND closes >= 0),
  CONSTRAINT archive_runs_entry_tao_in_range CHECK (typeof(entry_tao) = 'integer' AND entry_tao >= 0),
  CONSTRAINT archive_runs_gain_in_range CHECK (typeof(gain) = 'integer')
) WITHOUT ROWID;

CREATE INDEX archive_runs_by_miner ON archive_runs (miner_id, run_id);

-- Archiving copies a row and then deletes it. Copying first: closes, then their position, then trades that
-- have none left.
-- +goose StatementBegin
CREATE TRIGGER archived_closes_insert BEFORE INSERT ON archived_closes
BEGIN
  SELECT RAISE(ABORT, 'archived_closes: a close of a closed position is archived as it stands')
  WHERE NOT EXISTS (
    SELECT 1 FROM closes c JOIN positions p ON p.position_id = c.position_id
    WHERE c.trade_id = NEW.trade_id AND c.step = NEW.step AND p.closed_at IS NOT NULL
      AND c.position_id = NEW.position_id AND c.miner_id = NEW.miner_id AND c.alpha = NEW.alpha AND c.tao = NEW.tao
      AND c.cost = NEW.cost AND c.raw_gain = NEW.raw_gain AND c.gain = NEW.gain AND c.duration_us = NEW.duration_us
      AND c.min_blocks_met = NEW.min_blocks_met AND c.self_trade = NEW.self_trade);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archived_positions_insert BEFORE INSERT ON archived_positions
BEGIN
  SELECT RAISE(ABORT, 'archived_positions: a position is archived as it stands, after its closes')
  WHERE EXISTS (SELECT 1 FROM closes c WHERE c.position_id = NEW.position_id)
     OR NOT EXISTS (
    SELECT 1 FROM positions p
    WHERE p.position_id = NEW.position_id AND p.miner_id = NEW.miner_id AND p.netuid = NEW.netuid AND p.hotkey = NEW.hotkey
      AND p.extrinsic_id = NEW.extrinsic_id AND p.event_index = NEW.event_index
      AND p.entry_block = NEW.entry_block AND p.entry_time = NEW.entry_time
      AND p.entry_tao = NEW.entry_tao AND p.entry_alpha = NEW.entry_alpha
      AND p.remaining_alpha = NEW.remaining_alpha AND p.status = NEW.status
      AND p.last_exit_time = NEW.last_exit_time AND p.closed_at = NEW.closed_at AND p.gain = NEW.gain);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archived_trades_insert BEFORE INSERT ON archived_trades
BEGIN
  SELECT RAISE(ABORT, 'archived_trades: a trade is archived as it stands, after its closes')
  WHERE EXISTS (SELECT 1 FROM closes c WHERE c.trade_id = NEW.trade_id)
     OR NOT EXISTS (
    SELECT 1 FROM trades t
    WHERE t.trade_id = NEW.trade_id AND t.miner_id = NEW.miner_id AND t.netuid = NEW.netuid AND t.hotkey = NEW.hotkey
      AND t.extrinsic_id = NEW.extrinsic_id AND t.event_index = NEW.event_index
      AND t.exit_block = NEW.exit_block AND t.exit_time = NEW.exit_time
      AND t.exit_tao = NEW.exit_tao AND t.exit_alpha = NEW.exit_alpha
      AND t.unmatched_alpha = NEW.unmatched_alpha AND t.unmatched_tao = NEW.unmatched_tao);
END;
-- +goose StatementEnd

-- A live row is deleted when its copy is there, or in a rebuild, which must not leave an archived close
-- without its position or its trade either.
DROP TRIGGER positions_delete;
-- +goose StatementBegin
CREATE TRIGGER positions_delete BEFORE DELETE ON positions
WHEN NOT EXISTS (SELECT 1 FROM archived_positions a WHERE a.position_id = OLD.position_id)
 AND (NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
   OR EXISTS (SELECT 1 FROM archived_closes a WHERE a.position_id = OLD.position_id))
BEGIN
  SELECT RAISE(ABORT, 'positions: a position is not deleted without an archived copy');
END;
-- +goose StatementEnd

DROP TRIGGER trades_delete;
-- +goose StatementBegin
CREATE TRIGGER trades_delete BEFORE DELETE ON trades
WHEN NOT EXISTS (SELECT 1 FROM archived_trades a WHERE a.trade_id = OLD.trade_id)
 AND (NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
   OR EXISTS (SELECT 1 FROM archived_closes a WHERE a.trade_id = OLD.trade_id))
BEGIN
  SELECT RAISE(ABORT, 'trades: a trade is not deleted without an archived copy');
END;
-- +goose StatementEnd

DROP TRIGGER closes_delete;
-- +goose StatementBegin
CREATE TRIGGER closes_delete BEFORE DELETE ON closes
WHEN NOT EXISTS (
    SELECT 1 FROM archived_closes a
    WHERE a.trade_id = OLD.trade_id AND a.step = OLD.step AND a.position_id = OLD.position_id)
 AND NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'closes: a close is not deleted without an archived copy');
END;
-- +goose StatementEnd

-- What is archived does not begin again among the living.
-- +goose StatementBegin
CREATE TRIGGER positions_not_archived BEFORE INSERT ON positions
BEGIN
  SELECT RAISE(ABORT, 'positions: this position is archived')
  WHERE EXISTS (SELECT 1 FROM archived_positions a WHERE a.position_id = NEW.position_id);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER trades_not_archived BEFORE INSERT ON trades
BEGIN
  SELECT RAISE(ABORT, 'trades: this trade is archived')
  WHERE EXISTS (SELECT 1 FROM archived_trades a WHERE a.trade_id = NEW.trade_id);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER closes_not_archived BEFORE INSERT ON closes
BEGIN
  SELECT RAISE(ABORT, 'closes: this close is archived')
  WHERE EXISTS (SELECT 1 FROM archived_closes a WHERE a.trade_id = NEW.trade_id AND a.step = NEW.step);
END;
-- +goose StatementEnd

-- The archive is at rest: only a rebuild of the miner changes it, and leaves no close an orphan.
-- +goose StatementBegin
CREATE TRIGGER archived_positions_update BEFORE UPDATE ON archived_positions
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'archived_positions: an archived position never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archived_positions_entry BEFORE UPDATE OF position_id, miner_id, netuid, hotkey, extrinsic_id, event_index,
  entry_block, entry_time, entry_tao, entry_alpha ON archived_positions
BEGIN
  SELECT RAISE(ABORT, 'archived_positions: what a position was opened with never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archived_positions_delete BEFORE DELETE ON archived_positions
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
  OR (EXISTS (SELECT 1 FROM archived_closes a WHERE a.position_id = OLD.position_id)
      AND NOT EXISTS (SELECT 1 FROM positions p WHERE p.position_id = OLD.position_id))
BEGIN
  SELECT RAISE(ABORT, 'archived_positions: an archived position is deleted only in a rebuild, after its closes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archived_trades_update BEFORE UPDATE ON archived_trades
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'archived_trades: an archived trade never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archived_trades_exit BEFORE UPDATE OF trade_id, miner_id, netuid, hotkey, extrinsic_id, event_index,
  exit_block, exit_time, exit_tao, exit_alpha ON archived_trades
BEGIN
  SELECT RAISE(ABORT, 'archived_trades: what a trade sold never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archived_trades_delete BEFORE DELETE ON archived_trades
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
  OR (EXISTS (SELECT 1 FROM archived_closes a WHERE a.trade_id = OLD.trade_id)
      AND NOT EXISTS (SELECT 1 FROM trades t WHERE t.trade_id = OLD.trade_id))
BEGIN
  SELECT RAISE(ABORT, 'archived_trades: an archived trade is deleted only in a rebuild, after its closes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archived_closes_update BEFORE UPDATE ON archived_closes
BEGIN
  SELECT RAISE(ABORT, 'archived_closes: a close never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archived_closes_delete BEFORE DELETE ON archived_closes
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'archived_closes: an archived close is deleted only in a rebuild');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archive_runs_update BEFORE UPDATE ON archive_runs
BEGIN
  SELECT RAISE(ABORT, 'archive_runs: a summary only grows')
  WHERE NEW.run_id <> OLD.run_id OR NEW.miner_id <> OLD.miner_id OR NEW.cutoff <> OLD.cutoff OR NEW.started_at <> OLD.started_at
     OR NEW.positions < OLD.positions OR NEW.trades < OLD.trades OR NEW.closes < OLD.closes OR NEW.entry_tao < OLD.entry_tao;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER archive_runs_delete BEFORE DELETE ON archive_runs
BEGIN
  SELECT RAISE(ABORT, 'archive_runs: a summary is never deleted');
END;
-- +goose StatementEnd

-- +goose Down
-- What is archived goes back among the living; the log of the runs has no place there. The triggers on
-- inserting judge what happens now, not what happened then, so they step aside while the rows come back.
DROP TRIGGER positions_not_archived;
DROP TRIGGER trades_not_archived;
DROP TRIGGER closes_not_archived;
DROP TRIGGER positions_insert;
DROP TRIGGER trades_insert;
DROP TRIGGER closes_insert;

INSERT INTO positions (position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, entry_block, entry_time,
  entry_tao, entry_alpha, remaining_alpha, status, last_exit_time, closed_at, gain)
SELECT a.position_id, a.miner_id, a.netuid, a.hotkey, a.extrinsic_id, a.event_index, a.entry_block, a.entry_time,
  a.entry_tao, a.entry_alpha, a.remaining_alpha, a.status, a.last_exit_time, a.closed_at, a.gain
FROM archived_positions a
WHERE NOT EXISTS (SELECT 1 FROM positions p WHERE p.position_id = a.position_id);

INSERT INTO trades (trade_id, miner_id, netuid, hotkey, extrinsic_id, event_index, exit_block, exit_time,
  exit_tao, exit_alpha, unmatched_alpha, unmatched_tao)
SELECT a.trade_id, a.miner_id, a.netuid, a.hotkey, a.extrinsic_id, a.event_index, a.exit_block, a.exit_time,
  a.exit_tao, a.exit_alpha, a.unmatched_alpha, a.unmatched_tao
FROM archived_trades a
WHERE NOT EXISTS (SELECT 1 FROM trades t WHERE t.trade_id = a.trade_id);

INSERT INTO closes (trade_id, step, position_id, miner_id, alpha, tao, cost, raw_gain, gain, duration_us, min_blocks_met, self_trade)
SELECT a.trade_id, a.step, a.position_id, a.miner_id, a.alpha, a.tao, a.cost, a.raw_gain, a.gain, a.duration_us, a.min_blocks_met, a.self_trade
FROM archived_closes a
WHERE NOT EXISTS (SELECT 1 FROM closes c WHERE c.trade_id = a.trade_id AND c.step = a.step);

DROP TRIGGER positions_delete;
DROP TRIGGER trades_delete;
DROP TRIGGER closes_delete;
DROP TABLE archive_runs;
DROP TABLE archived_closes;
DROP TABLE archived_trades;
DROP TABLE archived_positions;
DROP INDEX positions_closed;

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
CREATE TRIGGER positions_delete BEFORE DELETE ON positions
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'positions: a position is not deleted without an archived copy');
END;
-- +goose StatementEnd

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
CREATE TRIGGER trades_delete BEFORE DELETE ON trades
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'trades: a trade is not deleted without an archived copy');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER closes_insert BEFORE INSERT ON closes
BEGIN
  SELECT RAISE(ABORT, 'closes: this close is already recorded')
  WHERE EXISTS (SELECT 1 FROM closes c WHERE c.trade_id = NEW.trade_id AND c.step = NEW.step)
     OR EXISTS (SELECT 1 FROM closes c WHERE c.position_id = NEW.position_id AND c.trade_id = NEW.trade_id);
  SELECT RAISE(ABORT, 'closes: a close joins a trade and an earlier open position of the same miner and subnet, within what is left of it')
  WHERE NOT EXISTS (
    SELECT 1 FROM positions p JOIN trades t ON t.trade_id = NEW.trade_id
    WHERE p.position_id = NEW.position_id AND p.miner_id = NEW.miner_id AND t.miner_id = NEW.miner_id
      AND p.netuid = t.netuid AND p.entry_time <= t.exit_time
      AND NEW.alpha <= p.remaining_alpha AND NEW.alpha <= t.exit_alpha - t.unmatched_alpha
      AND NEW.tao <= t.exit_tao - t.unmatched_tao AND NEW.cost <= p.entry_tao
      AND NEW.self_trade = (p.extrinsic_id = t.extrinsic_id)
      AND (NEW.self_trade = 1 OR NEW.duration_us = t.exit_time - p.entry_time));
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER closes_delete BEFORE DELETE ON closes
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'closes: a close is not deleted without an archived copy');
END;
-- +goose StatementEnd
