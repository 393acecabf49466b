-- +goose Up
-- One row for each input: what it was taken in with, and what became of its events. staging: being written,
-- alive as long as its heartbeat is young. staged: complete and valid, may be applied. discarded: bad or
-- abandoned, its staged rows only wait for deletion. done: every event has its outcome.
CREATE TABLE intakes (
  intake_id         INTEGER                PRIMARY KEY AUTOINCREMENT,
  state             TEXT                   NOT NULL REFERENCES intake_states (state),
  created_at        time_int               NOT NULL,
  heartbeat         time_int               NOT NULL,
  min_blocks        bigint                 NOT NULL,
  self_trade        self_trade_policy_text NOT NULL REFERENCES self_trade_policies (policy),
  no_register       flag_int               NOT NULL,
  tracking_start    time_int,
  staged            bigint                 NOT NULL DEFAULT 0,
  applied           bigint                 NOT NULL DEFAULT 0,
  duplicates        bigint                 NOT NULL DEFAULT 0,
  out_of_order      bigint                 NOT NULL DEFAULT 0,
  registered_miners bigint                 NOT NULL DEFAULT 0,
  CONSTRAINT intakes_min_blocks_in_range CHECK (typeof(min_blocks) = 'integer' AND min_blocks >= 0),
  CONSTRAINT intakes_no_register_is_flag CHECK (typeof(no_register) = 'integer' AND no_register IN (0, 1)),
  CONSTRAINT intakes_outcomes_within_staged CHECK (applied + duplicates BETWEEN 0 AND staged)
);

CREATE INDEX intakes_by_state ON intakes (state, intake_id);

-- How many events of an input were ignored, and how many rejected, for which reason.
CREATE TABLE intake_ignored (
  intake_id bigint             NOT NULL REFERENCES intakes (intake_id),
  reason    ignore_reason_text NOT NULL REFERENCES ignore_reasons (reason),
  events    bigint             NOT NULL,
  PRIMARY KEY (intake_id, reason),
  CONSTRAINT intake_ignored_events_in_range CHECK (typeof(events) = 'integer' AND events > 0)
) WITHOUT ROWID;

CREATE TABLE intake_rejected (
  intake_id bigint NOT NULL REFERENCES intakes (intake_id),
  reason    TEXT   NOT NULL REFERENCES reject_reasons (reason),
  events    bigint NOT NULL,
  PRIMARY KEY (intake_id, reason),
  CONSTRAINT intake_rejected_events_in_range CHECK (typeof(events) = 'integer' AND events > 0)
) WITHOUT ROWID;

-- Events that wait to be applied, stored in the order in which they will be: by event_key and, where several contents
-- have the same, by these, so that the order of the input does not decide which is recorded; at last by their place in
-- it. They name a coldkey and not a miner, since a bad input must leave nothing behind.
CREATE TABLE staged_events (
  intake_id    bigint          NOT NULL REFERENCES intakes (intake_id),
  coldkey      address_text    NOT NULL,
  event_key    event_key_text  NOT NULL,
  seq          bigint          NOT NULL,
  time         time_int        NOT NULL,
  block        bigint          NOT NULL,
  extrinsic_id TEXT            NOT NULL,
  event_index  bigint          NOT NULL,
  kind         event_kind_text NOT NULL,
  netuid       netuid_int      NOT NULL,
  hotkey       address_text    NOT NULL,
  tao          rao_int         NOT NULL,
  alpha        rao_int         NOT NULL,
  excluded     flag_int        NOT NULL,
  is_transfer  flag_int,
  fee          rao_int,
  usd          decimal_text,
  PRIMARY KEY (intake_id, coldkey, event_key, block, kind, netuid, hotkey, tao, alpha, seq)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE staged_events;
DROP TABLE intake_rejected;
DROP TABLE intake_ignored;
DROP TABLE intakes;
