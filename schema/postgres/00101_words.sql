-- +goose Up
-- The declared types of the ledger's columns, which sqlc maps to Go types. Text is compared by its bytes, as
-- SQLite does. A flag is an integer, so that one query suits both engines. bigint refuses texts, but takes a
-- fraction and rounds it: where SQLite refuses 2.7, PostgreSQL stores 3.
CREATE DOMAIN rao_int AS bigint;
CREATE DOMAIN time_int AS bigint;
CREATE DOMAIN netuid_int AS integer;
CREATE DOMAIN uid_int AS integer;
CREATE DOMAIN flag_int AS integer CONSTRAINT flag_int_is_flag CHECK (VALUE IN (0, 1));
CREATE DOMAIN address_text AS text COLLATE "C";
CREATE DOMAIN event_key_text AS text COLLATE "C";
CREATE DOMAIN miner_status_text AS text COLLATE "C";
CREATE DOMAIN position_status_text AS text COLLATE "C";
CREATE DOMAIN event_kind_text AS text COLLATE "C";
CREATE DOMAIN outcome_text AS text COLLATE "C";
CREATE DOMAIN ignore_reason_text AS text COLLATE "C";
CREATE DOMAIN close_mode_text AS text COLLATE "C";
CREATE DOMAIN self_trade_policy_text AS text COLLATE "C";
CREATE DOMAIN transfer_policy_text AS text COLLATE "C";
CREATE DOMAIN decimal_text AS text COLLATE "C";

-- What queries use of SQLite's functions. A JSON null has no rows.
-- +goose StatementBegin
CREATE FUNCTION json_each(list text) RETURNS TABLE (value bigint) LANGUAGE sql IMMUTABLE AS $$
  SELECT v::bigint FROM json_array_elements_text(CASE WHEN json_typeof(list::json) = 'array' THEN list::json ELSE '[]' END) v
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION json_valid(document text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  PERFORM document::json;
  RETURN true;
EXCEPTION WHEN invalid_text_representation THEN
  RETURN false;
END $$;
-- +goose StatementEnd

-- The words that columns may hold, one a row, as on SQLite. A migration adds a word by adding a row. (The status of a position is arithmetic: its CHECK
-- says what each means.)
CREATE TABLE miner_statuses (status miner_status_text NOT NULL PRIMARY KEY);
CREATE TABLE event_kinds (kind event_kind_text NOT NULL PRIMARY KEY);
CREATE TABLE outcomes (outcome outcome_text NOT NULL PRIMARY KEY);
CREATE TABLE ignore_reasons (reason ignore_reason_text NOT NULL PRIMARY KEY);
CREATE TABLE reject_reasons (reason text COLLATE "C" NOT NULL PRIMARY KEY);
CREATE TABLE close_modes (mode close_mode_text NOT NULL PRIMARY KEY);
CREATE TABLE self_trade_policies (policy self_trade_policy_text NOT NULL PRIMARY KEY);
CREATE TABLE transfer_policies (policy transfer_policy_text NOT NULL PRIMARY KEY);
CREATE TABLE intake_states (state text COLLATE "C" NOT NULL PRIMARY KEY);

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
DROP FUNCTION json_valid(text);
DROP FUNCTION json_each(text);
DROP DOMAIN decimal_text;
DROP DOMAIN transfer_policy_text;
DROP DOMAIN self_trade_policy_text;
DROP DOMAIN close_mode_text;
DROP DOMAIN ignore_reason_text;
DROP DOMAIN outcome_text;
DROP DOMAIN event_kind_text;
DROP DOMAIN position_status_text;
DROP DOMAIN miner_status_text;
DROP DOMAIN event_key_text;
DROP DOMAIN address_text;
DROP DOMAIN flag_int;
DROP DOMAIN uid_int;
DROP DOMAIN netuid_int;
DROP DOMAIN time_int;
DROP DOMAIN rao_int;
