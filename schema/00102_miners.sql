-- +goose Up
-- A miner is its coldkey. The counters are sums over its whole life, kept by increments; only a replay of the
-- miner's events may shrink them. latest_key is the greatest event_key of the events that were handled, and
-- oldest_late_key that of the oldest one that came after a later one had been handled: from there on the miner's
-- rows wait for a replay. NULL: nothing came late, or it has been replayed.
CREATE TABLE miners (
  miner_id            INTEGER           PRIMARY KEY AUTOINCREMENT,
  coldkey             address_text      NOT NULL,
  status              miner_status_text NOT NULL REFERENCES miner_statuses (status),
  tracking_start      time_int,
  registered_at       time_int          NOT NULL,
  latest_key          event_key_text,
  oldest_late_key     event_key_text,
  last_active         time_int,
  positions           bigint            NOT NULL DEFAULT 0,
  open_positions      bigint            NOT NULL DEFAULT 0,
  trades              bigint            NOT NULL DEFAULT 0,
  closes              bigint            NOT NULL DEFAULT 0,
  entry_tao           rao_int           NOT NULL DEFAULT 0,
  entry_alpha         rao_int           NOT NULL DEFAULT 0,
  closed_alpha        rao_int           NOT NULL DEFAULT 0,
  exit_tao            rao_int           NOT NULL DEFAULT 0,
  raw_gain            rao_int           NOT NULL DEFAULT 0,
  gain                rao_int           NOT NULL DEFAULT 0,
  counted_closes      bigint            NOT NULL DEFAULT 0,
  winning_closes      bigint            NOT NULL DEFAULT 0,
  counted_duration_us bigint            NOT NULL DEFAULT 0,
  unmatched_alpha     rao_int           NOT NULL DEFAULT 0,
  unmatched_tao       rao_int           NOT NULL DEFAULT 0,
  CONSTRAINT miners_coldkey_unique UNIQUE (coldkey),
  CONSTRAINT miners_coldkey_is_address CHECK (typeof(coldkey) = 'text' AND length(coldkey) = 48),
  CONSTRAINT miners_tracking_start_in_range CHECK (tracking_start IS NULL OR (typeof(tracking_start) = 'integer' AND tracking_start BETWEEN -62167219200000000 AND 253402300799999999)),
  CONSTRAINT miners_registered_at_in_range CHECK (typeof(registered_at) = 'integer' AND registered_at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT miners_oldest_late_key_not_after_latest CHECK (oldest_late_key IS NULL OR (latest_key IS NOT NULL AND oldest_late_key <= latest_key)),
  CONSTRAINT miners_last_active_in_range CHECK (last_active IS NULL OR (typeof(last_active) = 'integer' AND last_active BETWEEN 1 AND 253402300799999999)),
  CONSTRAINT miners_positions_in_range CHECK (typeof(positions) = 'integer' AND positions >= 0),
  CONSTRAINT miners_open_positions_in_range CHECK (typeof(open_positions) = 'integer' AND open_positions BETWEEN 0 AND positions),
  CONSTRAINT miners_trades_in_range CHECK (typeof(trades) = 'integer' AND trades >= 0),
  CONSTRAINT miners_closes_in_range CHECK (typeof(closes) = 'integer' AND closes >= 0),
  CONSTRAINT miners_entry_tao_in_range CHECK (typeof(entry_tao) = 'integer' AND entry_tao >= 0),
  CONSTRAINT miners_entry_alpha_in_range CHECK (typeof(entry_alpha) = 'integer' AND entry_alpha >= 0),
  CONSTRAINT miners_closed_alpha_in_range CHECK (typeof(closed_alpha) = 'integer' AND closed_alpha BETWEEN 0 AND entry_alpha),
  CONSTRAINT miners_exit_tao_in_range CHECK (typeof(exit_tao) = 'integer' AND exit_tao >= 0),
  CONSTRAINT miners_raw_gain_in_range CHECK (typeof(raw_gain) = 'integer'),
  CONSTRAINT miners_cost_within_entry CHECK (exit_tao - raw_gain BETWEEN 0 AND entry_tao),
  CONSTRAINT miners_gain_in_range CHECK (typeof(gain) = 'integer'),
  CONSTRAINT miners_counted_closes_in_range CHECK (typeof(counted_closes) = 'integer' AND counted_closes BETWEEN 0 AND closes),
  CONSTRAINT miners_winning_closes_in_range CHECK (typeof(winning_closes) = 'integer' AND winning_closes BETWEEN 0 AND counted_closes),
  CONSTRAINT miners_counted_duration_in_range CHECK (typeof(counted_duration_us) = 'integer' AND counted_duration_us >= 0),
  CONSTRAINT miners_unmatched_alpha_in_range CHECK (typeof(unmatched_alpha) = 'integer' AND unmatched_alpha >= 0),
  CONSTRAINT miners_unmatched_tao_in_range CHECK (typeof(unmatched_tao) = 'integer' AND unmatched_tao >= 0)
);

-- Miners of one status, paged by id; those that wait for a replay.
CREATE INDEX miners_by_status ON miners (status, miner_id);
CREATE INDEX miners_late ON miners (miner_id) WHERE oldest_late_key IS NOT NULL;

-- REPLACE deletes the row in its way without asking the delete trigger, so inserting asks first.
-- +goose StatementBegin
CREATE TRIGGER miners_insert BEFORE INSERT ON miners
BEGIN
  SELECT RAISE(ABORT, 'miners: this miner is already recorded')
  WHERE EXISTS (SELECT 1 FROM miners m WHERE m.miner_id = NEW.miner_id)
     OR EXISTS (SELECT 1 FROM miners m WHERE m.coldkey = NEW.coldkey);
  SELECT RAISE(ABORT, 'miners: a miner begins without events')
  WHERE NEW.latest_key IS NOT NULL OR NEW.oldest_late_key IS NOT NULL OR NEW.last_active IS NOT NULL;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER miners_identity BEFORE UPDATE OF miner_id, coldkey, tracking_start, registered_at ON miners
BEGIN
  SELECT RAISE(ABORT, 'miners: the identity of a miner never changes');
END;
-- +goose StatementEnd

-- Keys of events of the miner's own, which a foreign key could not say.
-- +goose StatementBegin
CREATE TRIGGER miners_latest_key BEFORE UPDATE OF latest_key ON miners
WHEN NEW.latest_key IS NOT OLD.latest_key
BEGIN
  SELECT RAISE(ABORT, 'miners: the latest key must be that of an event of the miner')
  WHERE NEW.latest_key IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM events e WHERE e.miner_id = NEW.miner_id AND e.event_key = NEW.latest_key);
  SELECT RAISE(ABORT, 'miners: only a replay leaves no latest event')
  WHERE OLD.latest_key IS NOT NULL AND NEW.latest_key IS NULL
    AND NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER miners_oldest_late_key BEFORE UPDATE OF oldest_late_key ON miners
WHEN NEW.oldest_late_key IS NOT OLD.oldest_late_key
BEGIN
  SELECT RAISE(ABORT, 'miners: the key of the oldest late event must be that of an event of the miner')
  WHERE NEW.oldest_late_key IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM events e WHERE e.miner_id = NEW.miner_id AND e.event_key = NEW.oldest_late_key);
  SELECT RAISE(ABORT, 'miners: only a replay makes the oldest late event a later one or none')
  WHERE OLD.oldest_late_key IS NOT NULL AND (NEW.oldest_late_key IS NULL OR NEW.oldest_late_key > OLD.oldest_late_key)
    AND NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER miners_delete BEFORE DELETE ON miners
BEGIN
  SELECT RAISE(ABORT, 'miners: a miner is never deleted');
END;
-- +goose StatementEnd

-- Who held which UID with which hotkey, and when. A miner may hold several; a UID passes from miner to miner.
CREATE TABLE registrations (
  registration_id INTEGER      PRIMARY KEY AUTOINCREMENT,
  miner_id        bigint       NOT NULL REFERENCES miners (miner_id),
  uid             uid_int      NOT NULL,
  hotkey          address_text NOT NULL,
  started_at      time_int     NOT NULL,
  ended_at        time_int,
  CONSTRAINT registrations_uid_in_range CHECK (typeof(uid) = 'integer' AND uid BETWEEN 0 AND 65535),
  CONSTRAINT registrations_hotkey_is_address CHECK (typeof(hotkey) = 'text' AND length(hotkey) = 48),
  CONSTRAINT registrations_started_at_in_range CHECK (typeof(started_at) = 'integer' AND started_at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT registrations_ended_at_not_before_start CHECK (ended_at IS NULL OR (typeof(ended_at) = 'integer' AND ended_at BETWEEN started_at AND 253402300799999999))
);

CREATE UNIQUE INDEX registrations_current_uid ON registrations (uid) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX registrations_current_hotkey ON registrations (hotkey) WHERE ended_at IS NULL;
CREATE INDEX registrations_by_miner ON registrations (miner_id, registration_id);

-- +goose StatementBegin
CREATE TRIGGER registrations_insert BEFORE INSERT ON registrations
BEGIN
  SELECT RAISE(ABORT, 'registrations: the UID or the hotkey is held; end its registration first')
  WHERE EXISTS (SELECT 1 FROM registrations r WHERE r.registration_id = NEW.registration_id)
     OR (NEW.ended_at IS NULL AND EXISTS (SELECT 1 FROM registrations r WHERE r.uid = NEW.uid AND r.ended_at IS NULL))
     OR (NEW.ended_at IS NULL AND EXISTS (SELECT 1 FROM registrations r WHERE r.hotkey = NEW.hotkey AND r.ended_at IS NULL));
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER registrations_update BEFORE UPDATE ON registrations
BEGIN
  SELECT RAISE(ABORT, 'registrations: only the end of a current registration can be set')
  WHERE OLD.ended_at IS NOT NULL
     OR NEW.registration_id <> OLD.registration_id OR NEW.miner_id <> OLD.miner_id OR NEW.uid <> OLD.uid
     OR NEW.hotkey <> OLD.hotkey OR NEW.started_at <> OLD.started_at;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER registrations_delete BEFORE DELETE ON registrations
BEGIN
  SELECT RAISE(ABORT, 'registrations: a registration is never deleted, it ends');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE registrations;
DROP TABLE miners;
