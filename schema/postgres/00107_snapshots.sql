-- +goose Up
-- A miner's trading as it stood at a moment, over the positions entered in the window before it. Exact sums,
-- so that every mean can be worked out to the last digit: mean gain is gain / closed_positions, win rate
-- winning_positions / closed_positions, mean duration counted_duration_us / counted_closes. gain_by_entry is
-- the sum of gain * entry_tao over the closed positions in rao * rao, which 64 bits do not hold: an integer in
-- decimals; over closed_entry_tao it is the weighted gain. What is not a sum is rounded: gain_percent, the mean of
-- 100 * gain / entry_tao, to nine places; open_age_us, the mean age of the open positions, to a microsecond;
-- score to a billionth. Weights are in billionths too.
CREATE TABLE snapshots (
  miner_id            bigint   NOT NULL REFERENCES miners (miner_id),
  at                  time_int NOT NULL,
  window_us           bigint   NOT NULL,
  taken_at            time_int NOT NULL,
  positions           bigint   NOT NULL,
  open_positions      bigint   NOT NULL,
  closed_positions    bigint   NOT NULL,
  winning_positions   bigint   NOT NULL,
  entry_tao           rao_int  NOT NULL,
  entry_alpha         rao_int  NOT NULL,
  closed_entry_tao    rao_int  NOT NULL,
  gain                rao_int  NOT NULL,
  gain_by_entry       text COLLATE "C"     NOT NULL,
  gain_percent        text COLLATE "C"     NOT NULL,
  counted_closes      bigint   NOT NULL,
  counted_duration_us bigint   NOT NULL,
  open_age_us         bigint   NOT NULL,
  gain_weight         bigint   NOT NULL,
  volume_weight       bigint   NOT NULL,
  win_rate_weight     bigint   NOT NULL,
  score               bigint,
  PRIMARY KEY (miner_id, at),
  CONSTRAINT snapshots_at_in_range CHECK (at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT snapshots_window_in_range CHECK (window_us >= 0),
  CONSTRAINT snapshots_taken_at_in_range CHECK (taken_at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT snapshots_positions_are_open_or_closed CHECK (
    open_positions >= 0 AND closed_positions >= 0 AND positions = open_positions + closed_positions),
  CONSTRAINT snapshots_winning_within_closed CHECK (winning_positions BETWEEN 0 AND closed_positions),
  CONSTRAINT snapshots_entry_tao_in_range CHECK (entry_tao >= positions),
  CONSTRAINT snapshots_entry_alpha_in_range CHECK (entry_alpha >= positions),
  CONSTRAINT snapshots_closed_entry_within_entry CHECK (closed_entry_tao BETWEEN closed_positions AND entry_tao),
  CONSTRAINT snapshots_gain_in_range CHECK (closed_positions > 0 OR gain = 0),
  CONSTRAINT snapshots_gain_by_entry_is_integer CHECK (length(gain_by_entry) BETWEEN 1 AND 60 AND gain_by_entry ~ '^-*[0-9]*$'),
  CONSTRAINT snapshots_gain_percent_is_decimal CHECK (gain_percent ~ '^-*[0-9.]*[0-9]\.[0-9]{9}$'),
  CONSTRAINT snapshots_counted_closes_in_range CHECK (counted_closes >= 0),
  CONSTRAINT snapshots_counted_duration_in_range CHECK (counted_duration_us >= 0 AND (counted_closes > 0 OR counted_duration_us = 0)),
  CONSTRAINT snapshots_open_age_within_window CHECK (open_age_us BETWEEN 0 AND window_us AND (open_positions > 0 OR open_age_us = 0)),
  CONSTRAINT snapshots_gain_weight_in_range CHECK (gain_weight BETWEEN 0 AND 1000000000),
  CONSTRAINT snapshots_volume_weight_in_range CHECK (volume_weight BETWEEN 0 AND 1000000000),
  CONSTRAINT snapshots_win_rate_weight_in_range CHECK (win_rate_weight BETWEEN 0 AND 1000000000),
  CONSTRAINT snapshots_score_from_three_positions CHECK ((positions < 3) = (score IS NULL))
);

-- All miners at a moment; pruning seeks what is old enough.
CREATE INDEX snapshots_by_time ON snapshots (at, miner_id);

-- +goose StatementBegin
CREATE FUNCTION snapshots_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM snapshots s WHERE s.miner_id = NEW.miner_id AND s.at = NEW.at) THEN
    RAISE EXCEPTION 'snapshots: the miner has a snapshot of this moment' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER snapshots_insert BEFORE INSERT ON snapshots FOR EACH ROW EXECUTE FUNCTION snapshots_insert();

-- +goose StatementBegin
CREATE FUNCTION snapshots_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'snapshots: what stood at a moment never changes' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER snapshots_update BEFORE UPDATE ON snapshots FOR EACH ROW EXECUTE FUNCTION snapshots_update();

-- +goose Down
DROP TABLE snapshots;
DROP FUNCTION snapshots_insert();
DROP FUNCTION snapshots_update();
