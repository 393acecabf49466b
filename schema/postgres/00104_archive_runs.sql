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
  CONSTRAINT archive_runs_run_id_in_range CHECK (run_id >= 1),
  CONSTRAINT archive_runs_cutoff_in_range CHECK (cutoff BETWEEN 1 AND 253402300799999999),
  CONSTRAINT archive_runs_started_at_in_range CHECK (started_at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT archive_runs_finished_at_in_range CHECK (finished_at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT archive_runs_positions_in_range CHECK (positions >= 0),
  CONSTRAINT archive_runs_trades_in_range CHECK (trades >= 0),
  CONSTRAINT archive_runs_closes_in_range CHECK (closes >= 0),
  CONSTRAINT archive_runs_entry_tao_in_range CHECK (entry_tao >= 0)
);

CREATE INDEX archive_runs_by_miner ON archive_runs (miner_id, run_id);

-- +goose StatementBegin
CREATE FUNCTION archive_runs_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.started_at > NEW.finished_at THEN
    RAISE EXCEPTION 'archive_runs: a run is dated as it goes' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER archive_runs_insert BEFORE INSERT ON archive_runs FOR EACH ROW EXECUTE FUNCTION archive_runs_insert();

-- +goose StatementBegin
CREATE FUNCTION archive_runs_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.run_id <> OLD.run_id OR NEW.miner_id <> OLD.miner_id OR NEW.cutoff <> OLD.cutoff OR NEW.started_at <> OLD.started_at
     OR NEW.positions < OLD.positions OR NEW.trades < OLD.trades OR NEW.closes < OLD.closes OR NEW.entry_tao < OLD.entry_tao THEN
    RAISE EXCEPTION 'archive_runs: a summary only grows' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER archive_runs_update BEFORE UPDATE ON archive_runs FOR EACH ROW EXECUTE FUNCTION archive_runs_update();

-- +goose StatementBegin
CREATE FUNCTION archive_runs_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'archive_runs: a summary is never deleted' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER archive_runs_delete BEFORE DELETE ON archive_runs FOR EACH ROW EXECUTE FUNCTION archive_runs_delete();

-- +goose Down
DROP TABLE archive_runs;
DROP FUNCTION archive_runs_insert();
DROP FUNCTION archive_runs_update();
DROP FUNCTION archive_runs_delete();
