-- +goose Up
-- 0x534b4c47, 'SKLG': the manager refuses a file that belongs to another program.
PRAGMA application_id = 1397443655;

-- Declared types carry the meaning of a column: sqlc maps them to Go types, SQLite takes their affinity
-- (INTEGER or TEXT) from the last syllable. SQLite would store a float or a text in an integer column, and
-- turns integer overflow into a float: the typeof checks of all tables refuse both.

-- The words that columns may hold, one a row. A migration adds a word by adding a row; in a CHECK it could not,
-- since SQLite cannot rebuild a table that others refer to. (The status of a position is arithmetic: its CHECK
-- says what each means.)
CREATE TABLE miner_statuses (status miner_status_text NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE event_kinds (kind event_kind_text NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE outcomes (outcome outcome_text NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE ignore_reasons (reason ignore_reason_text NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE reject_reasons (reason TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE close_modes (mode close_mode_text NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE self_trade_policies (policy self_trade_policy_text NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE transfer_policies (policy transfer_policy_text NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE intake_states (state TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;

INSERT INTO miner_statuses (status) VALUES ('active'), ('inactive'), ('blacklisted');
INSERT INTO event_kinds (kind) VALUES ('stake'), ('unstake');
INSERT INTO outcomes (outcome) VALUES ('applied'), ('ignored');
INSERT INTO ignore_reasons (reason) VALUES ('before_tracking_start'), ('invalid_netuid'), ('zero_amounts'), ('no_open_position'), ('excluded');
INSERT INTO reject_reasons (reason) VALUES ('duplicate_conflict'), ('unknown_miner'), ('overflow');
INSERT INTO close_modes (mode) VALUES ('strict'), ('lenient');
INSERT INTO self_trade_policies (policy) VALUES ('zero'), ('clamp');
INSERT INTO transfer_policies (policy) VALUES ('include'), ('exclude');
INSERT INTO intake_states (state) VALUES ('staging'), ('staged'), ('discarded'), ('done');

-- +goose Down
DROP TABLE intake_states;
DROP TABLE transfer_policies;
DROP TABLE self_trade_policies;
DROP TABLE close_modes;
DROP TABLE reject_reasons;
DROP TABLE ignore_reasons;
DROP TABLE outcomes;
DROP TABLE event_kinds;
DROP TABLE miner_statuses;
PRAGMA application_id = 0;
