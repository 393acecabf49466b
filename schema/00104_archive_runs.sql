-- +goose Up
-- What a run of archiving took of each miner. A log: it says what was done, not what is there.
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

-- +goose StatementBegin
CREATE TRIGGER archive_runs_insert BEFORE INSERT ON archive_runs
BEGIN
  SELECT RAISE(ABORT, 'archive_runs: a run is dated as it goes')
  WHERE NEW.started_at > NEW.finished_at;
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
DROP TABLE archive_runs;
