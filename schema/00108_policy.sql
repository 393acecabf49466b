-- +goose Up
-- Under what the ledger handles events and scores miners, where a call asks for nothing else. One row, which is
-- there from the beginning. mixed: recorded events may have been handled under another policy, since this one was
-- set after them, or a call overrode it.
CREATE TABLE policy (
  policy_id     INTEGER                PRIMARY KEY,
  min_blocks    bigint                 NOT NULL,
  self_trade    self_trade_policy_text NOT NULL REFERENCES self_trade_policies (policy),
  transfers     transfer_policy_text   NOT NULL REFERENCES transfer_policies (policy),
  lookback_days bigint                 NOT NULL,
  mixed         flag_int               NOT NULL DEFAULT 0,
  CONSTRAINT policy_one_row CHECK (policy_id = 1),
  CONSTRAINT policy_min_blocks_in_range CHECK (typeof(min_blocks) = 'integer' AND min_blocks >= 0),
  CONSTRAINT policy_lookback_in_range CHECK (typeof(lookback_days) = 'integer' AND lookback_days BETWEEN 0 AND 3650),
  CONSTRAINT policy_mixed_is_flag CHECK (typeof(mixed) = 'integer' AND mixed IN (0, 1))
);

INSERT INTO policy (policy_id, min_blocks, self_trade, transfers, lookback_days) VALUES (1, 360, 'zero', 'include', 21);

-- +goose StatementBegin
CREATE TRIGGER policy_insert BEFORE INSERT ON policy
BEGIN
  SELECT RAISE(ABORT, 'policy: there is one policy; set it');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER policy_update BEFORE UPDATE OF policy_id ON policy
BEGIN
  SELECT RAISE(ABORT, 'policy: there is one policy; set its values');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER policy_delete BEFORE DELETE ON policy
BEGIN
  SELECT RAISE(ABORT, 'policy: the policy is never deleted');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE policy;
