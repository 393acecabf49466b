-- +goose Up
-- Every stake and unstake that was ever taken in, with what became of it. This is the record: positions,
-- trades, closes and counters can be made again from it, so an event keeps the inputs of its operation.
-- event_key is its place among the events of its miner, in the order of bytes; the program makes it of time,
-- block, extrinsic_id and event_index (chain.EventKey). What stands from is_transfer on is no part of the event's
-- contents: the first value given stands.
CREATE TABLE events (
  event_id     INTEGER            PRIMARY KEY, -- grows without AUTOINCREMENT, since no event is ever deleted
  miner_id     bigint             NOT NULL REFERENCES miners (miner_id),
  extrinsic_id TEXT               NOT NULL,
  event_index  bigint             NOT NULL,
  event_key    event_key_text     NOT NULL,
  kind         event_kind_text    NOT NULL REFERENCES event_kinds (kind),
  netuid       netuid_int         NOT NULL,
  hotkey       address_text       NOT NULL,
  block        bigint             NOT NULL,
  time         time_int           NOT NULL,
  tao          rao_int            NOT NULL,
  alpha        rao_int            NOT NULL,
  outcome      outcome_text       NOT NULL REFERENCES outcomes (outcome),
  reason       ignore_reason_text REFERENCES ignore_reasons (reason),
  out_of_order flag_int           NOT NULL,
  mode         close_mode_text    REFERENCES close_modes (mode),
  min_blocks   bigint,
  self_trade   self_trade_policy_text REFERENCES self_trade_policies (policy),
  position_ids TEXT,
  is_transfer  flag_int,
  fee          rao_int,
  usd          decimal_text, -- a value in dollars, digits with at most one point
  CONSTRAINT events_key_unique UNIQUE (miner_id, extrinsic_id, event_index),
  CONSTRAINT events_extrinsic_id_printable CHECK (typeof(extrinsic_id) = 'text' AND length(extrinsic_id) BETWEEN 1 AND 128 AND extrinsic_id NOT GLOB '*[^ -~]*'),
  CONSTRAINT events_event_index_in_range CHECK (typeof(event_index) = 'integer' AND event_index >= 0),
  CONSTRAINT events_event_key_printable CHECK (typeof(event_key) = 'text' AND length(event_key) BETWEEN 10 AND 320 AND event_key NOT GLOB '*[^ -~]*'),
  CONSTRAINT events_netuid_in_range CHECK (typeof(netuid) = 'integer' AND netuid BETWEEN 0 AND 65535),
  CONSTRAINT events_hotkey_is_address CHECK (typeof(hotkey) = 'text' AND length(hotkey) = 48),
  CONSTRAINT events_block_in_range CHECK (typeof(block) = 'integer' AND block >= 0),
  CONSTRAINT events_time_in_range CHECK (typeof(time) = 'integer' AND time BETWEEN 1 AND 253402300799999999),
  CONSTRAINT events_tao_in_range CHECK (typeof(tao) = 'integer' AND tao >= 0),
  CONSTRAINT events_alpha_in_range CHECK (typeof(alpha) = 'integer' AND alpha >= 0),
  CONSTRAINT events_reason_when_ignored CHECK ((outcome = 'ignored') = (reason IS NOT NULL)),
  CONSTRAINT events_applied_has_amounts CHECK (outcome <> 'applied' OR (tao > 0 AND alpha > 0 AND netuid > 0)),
  CONSTRAINT events_out_of_order_is_flag CHECK (typeof(out_of_order) = 'integer' AND out_of_order IN (0, 1)),
  CONSTRAINT events_min_blocks_in_range CHECK (min_blocks IS NULL OR (typeof(min_blocks) = 'integer' AND min_blocks >= 0)),
  CONSTRAINT events_unstake_has_inputs CHECK (kind <> 'unstake' OR (mode IS NOT NULL AND min_blocks IS NOT NULL AND self_trade IS NOT NULL)),
  CONSTRAINT events_stake_has_none CHECK (kind <> 'stake' OR (mode IS NULL AND min_blocks IS NULL AND self_trade IS NULL AND position_ids IS NULL)),
  CONSTRAINT events_position_ids_are_json CHECK (position_ids IS NULL OR (typeof(position_ids) = 'text' AND json_valid(position_ids))),
  CONSTRAINT events_is_transfer_is_flag CHECK (is_transfer IS NULL OR (typeof(is_transfer) = 'integer' AND is_transfer IN (0, 1))),
  CONSTRAINT events_fee_in_range CHECK (fee IS NULL OR (typeof(fee) = 'integer' AND fee >= 0)),
  CONSTRAINT events_usd_is_decimal CHECK (usd IS NULL OR (typeof(usd) = 'text' AND length(usd) BETWEEN 1 AND 60
    AND usd GLOB '[0-9]*' AND usd GLOB '*[0-9]' AND usd NOT GLOB '*[^0-9.]*' AND usd NOT GLOB '*.*.*'))
);

-- A miner's events in order; lists and replays read them so.
CREATE INDEX events_in_order ON events (miner_id, event_key);

-- A second event of the same key is skipped, also where the statement says REPLACE, which would delete the
-- first one without asking the delete trigger.
-- +goose StatementBegin
CREATE TRIGGER events_insert BEFORE INSERT ON events
BEGIN
  SELECT RAISE(IGNORE)
  WHERE EXISTS (SELECT 1 FROM events e WHERE e.miner_id = NEW.miner_id AND e.extrinsic_id = NEW.extrinsic_id AND e.event_index = NEW.event_index)
     OR EXISTS (SELECT 1 FROM events e WHERE e.event_id = NEW.event_id);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_contents BEFORE UPDATE OF event_id, miner_id, extrinsic_id, event_index, event_key, kind, netuid, hotkey,
  block, time, tao, alpha, mode, position_ids ON events
BEGIN
  SELECT RAISE(ABORT, 'events: the contents of an event never change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_facts BEFORE UPDATE OF is_transfer, fee, usd ON events
BEGIN
  SELECT RAISE(ABORT, 'events: what was said of an event first stands')
  WHERE OLD.is_transfer IS NOT NULL AND NEW.is_transfer IS NOT OLD.is_transfer
     OR OLD.fee IS NOT NULL AND NEW.fee IS NOT OLD.fee
     OR OLD.usd IS NOT NULL AND NEW.usd IS NOT OLD.usd;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_outcome BEFORE UPDATE OF outcome, reason, out_of_order, min_blocks, self_trade ON events
WHEN NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)
BEGIN
  SELECT RAISE(ABORT, 'events: the outcome of an event and the policy it is handled under change only in a rebuild');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER events_delete BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'events: an event is never deleted');
END;
-- +goose StatementEnd

-- What ingestion could not take: an event that came again with other contents, that named an unknown miner
-- where none may be registered, or that would overflow a counter. The miner may not exist, hence the coldkey.
-- acknowledged_at is when somebody has seen to it; NULL: nobody has.
CREATE TABLE rejected_events (
  rejected_id     INTEGER      PRIMARY KEY AUTOINCREMENT,
  coldkey         address_text NOT NULL,
  extrinsic_id    TEXT         NOT NULL,
  event_index     bigint       NOT NULL,
  reason          TEXT         NOT NULL REFERENCES reject_reasons (reason),
  payload         TEXT         NOT NULL,
  acknowledged_at time_int,
  CONSTRAINT rejected_events_unique UNIQUE (coldkey, extrinsic_id, event_index, reason, payload),
  CONSTRAINT rejected_events_coldkey_is_address CHECK (typeof(coldkey) = 'text' AND length(coldkey) = 48),
  CONSTRAINT rejected_events_payload_is_json CHECK (typeof(payload) = 'text' AND json_valid(payload)),
  CONSTRAINT rejected_events_acknowledged_at_in_range CHECK (acknowledged_at IS NULL OR (typeof(acknowledged_at) = 'integer' AND acknowledged_at BETWEEN 1 AND 253402300799999999))
);

CREATE INDEX rejected_events_by_coldkey ON rejected_events (coldkey, rejected_id);
CREATE INDEX rejected_events_acknowledged ON rejected_events (acknowledged_at, rejected_id) WHERE acknowledged_at IS NOT NULL;

-- A row stands here only inside the transaction that replays a miner's events; while it does, the triggers let
-- that miner's closes be undone.
CREATE TABLE rebuilds (
  miner_id bigint NOT NULL PRIMARY KEY REFERENCES miners (miner_id)
);

-- +goose Down
DROP TABLE rebuilds;
DROP TABLE rejected_events;
DROP TABLE events;
