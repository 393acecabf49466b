-- +goose Up
-- Under what the ledger handles events and scores miners, where a call asks for nothing else. One row, which is
-- there from the beginning. mixed: recorded events may have been handled under another policy, since this one was
-- set after them, or a call overrode it.
CREATE TABLE policy (
  policy_id     bigint                 PRIMARY KEY,
  min_blocks    bigint                 NOT NULL,
  self_trade    self_trade_policy_text NOT NULL REFERENCES self_trade_policies (policy),
  transfers     transfer_policy_text   NOT NULL REFERENCES transfer_policies (policy),
  lookback_days bigint                 NOT NULL,
  mixed         flag_int               NOT NULL DEFAULT 0,
  CONSTRAINT policy_one_row CHECK (policy_id = 1),
  CONSTRAINT policy_min_blocks_in_range CHECK (min_blocks >= 0),
  CONSTRAINT policy_lookback_in_range CHECK (lookback_days BETWEEN 0 AND 3650),
  CONSTRAINT policy_mixed_is_flag CHECK (mixed IN (0, 1))
);

INSERT INTO policy (policy_id, min_blocks, self_trade, transfers, lookback_days) VALUES (1, 360, 'zero', 'include', 21);

-- +goose StatementBegin
CREATE FUNCTION policy_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'policy: there is one policy; set it' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER policy_insert BEFORE INSERT ON policy FOR EACH ROW EXECUTE FUNCTION policy_insert();

-- +goose StatementBegin
CREATE FUNCTION policy_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'policy: there is one policy; set its values' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER policy_update BEFORE UPDATE OF policy_id ON policy FOR EACH ROW EXECUTE FUNCTION policy_update();

-- +goose StatementBegin
CREATE FUNCTION policy_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'policy: the policy is never deleted' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER policy_delete BEFORE DELETE ON policy FOR EACH ROW EXECUTE FUNCTION policy_delete();

-- +goose Down
DROP TABLE policy;
DROP FUNCTION policy_insert();
DROP FUNCTION policy_update();
DROP FUNCTION policy_delete();
