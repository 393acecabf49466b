-- +goose Up
-- One row for each input: what it was taken in with, and what became of its events. staging: being written,
-- alive as long as its heartbeat is young. staged: complete and valid, may be applied. discarded: bad or
-- abandoned, its staged rows only wait for deletion. done: every event has its outcome.
CREATE TABLE intakes (
  intake_id                     INTEGER                PRIMARY KEY AUTOINCREMENT,
  state                         TEXT                   NOT NULL,
  created_at                    time_int               NOT NULL,
  heartbeat                     time_int               NOT NULL,
  min_blocks                    bigint                 NOT NULL,
  self_trade                    self_trade_policy_text NOT NULL,
  no_register                   flag_int               NOT NULL,
  tracking_start                time_int,
  staged                        bigint                 NOT NULL DEFAULT 0,
  applied                       bigint                 NOT NULL DEFAULT 0,
  duplicates                    bigint                 NOT NULL DEFAULT 0,
  out_of_order                  bigint                 NOT NULL DEFAULT 0,
  registered_miners             bigint                 NOT NULL DEFAULT 0,
  ignored_before_tracking_start bigint                 NOT NULL DEFAULT 0,
  ignored_invalid_netuid        bigint                 NOT NULL DEFAULT 0,
  ignored_zero_amounts          bigint                 NOT NULL DEFAULT 0,
  ignored_no_open_position      bigint                 NOT NULL DEFAULT 0,
  ignored_excluded              bigint                 NOT NULL DEFAULT 0,
  rejected_duplicate_conflict   bigint                 NOT NULL DEFAULT 0,
  rejected_unknown_miner        bigint                 NOT NULL DEFAULT 0,
  rejected_overflow             bigint                 NOT NULL DEFAULT 0,
  CONSTRAINT intakes_state_known CHECK (state IN ('staging', 'staged', 'discarded', 'done')),
  CONSTRAINT intakes_min_blocks_in_range CHECK (typeof(min_blocks) = 'integer' AND min_blocks >= 0),
  CONSTRAINT intakes_self_trade_known CHECK (self_trade IN ('zero', 'clamp')),
  CONSTRAINT intakes_no_register_is_flag CHECK (typeof(no_register) = 'integer' AND no_register IN (0, 1)),
  CONSTRAINT intakes_outcomes_within_staged CHECK (
    applied + duplicates + ignored_before_tracking_start + ignored_invalid_netuid + ignored_zero_amounts
    + ignored_no_open_position + ignored_excluded + rejected_duplicate_conflict + rejected_unknown_miner
    + rejected_overflow BETWEEN 0 AND staged)
);

CREATE INDEX intakes_by_state ON intakes (state, intake_id);

-- Events that wait to be applied, stored in the order in which they will be: by time, block, extrinsic (as
-- numbers where it is two numbers), index, and at last by their place in the input. They name a coldkey and
-- not a miner, since a bad input must leave nothing behind.
CREATE TABLE staged_events (
  intake_id        bigint          NOT NULL REFERENCES intakes (intake_id),
  coldkey          address_text    NOT NULL,
  time             time_int        NOT NULL,
  block            bigint          NOT NULL,
  extrinsic_block  bigint          NOT NULL,
  extrinsic_number bigint          NOT NULL,
  extrinsic_id     TEXT            NOT NULL,
  event_index      bigint          NOT NULL,
  seq              bigint          NOT NULL,
  kind             event_kind_text NOT NULL,
  netuid           netuid_int      NOT NULL,
  hotkey           address_text    NOT NULL,
  tao              rao_int         NOT NULL,
  alpha            rao_int         NOT NULL,
  excluded         flag_int        NOT NULL,
  PRIMARY KEY (intake_id, coldkey, time, block, extrinsic_block, extrinsic_number, extrinsic_id, event_index, seq)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE staged_events;
DROP TABLE intakes;
