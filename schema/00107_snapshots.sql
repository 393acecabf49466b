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
  gain_by_entry       TEXT     NOT NULL,
  gain_percent        TEXT     NOT NULL,
  counted_closes      bigint   NOT NULL,
  counted_duration_us bigint   NOT NULL,
  open_age_us         bigint   NOT NULL,
  gain_weight         bigint   NOT NULL,
  volume_weight       bigint   NOT NULL,
  win_rate_weight     bigint   NOT NULL,
  score               bigint,
  PRIMARY KEY (miner_id, at),
  CONSTRAINT snapshots_at_in_range CHECK (typeof(at) = 'integer' AND at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT snapshots_window_in_range CHECK (typeof(window_us) = 'integer' AND window_us >= 0),
  CONSTRAINT snapshots_taken_at_in_range CHECK (typeof(taken_at) = 'integer' AND taken_at BETWEEN 1 AND 253402300799999999),
  CONSTRAINT snapshots_positions_are_open_or_closed CHECK (
    typeof(positions) = 'integer' AND typeof(open_positions) = 'integer' AND typeof(closed_positions) = 'integer'
    AND open_positions >= 0 AND closed_positions >= 0 AND positions = open_positions + closed_positions),
  CONSTRAINT snapshots_winning_within_closed CHECK (typeof(winning_positions) = 'integer' AND winning_positions BETWEEN 0 AND closed_positions),
  CONSTRAINT snapshots_entry_tao_in_range CHECK (typeof(entry_tao) = 'integer' AND entry_tao >= positions),
  CONSTRAINT snapshots_entry_alpha_in_range CHECK (typeof(entry_alpha) = 'integer' AND entry_alpha >= positions),
  CONSTRAINT snapshots_closed_entry_within_entry CHECK (typeof(closed_entry_tao) = 'integer' AND closed_entry_tao BETWEEN closed_positions AND entry_tao),
  CONSTRAINT snapshots_gain_in_range CHECK (typeof(gain) = 'integer' AND (closed_positions > 0 OR gain = 0)),
  CONSTRAINT snapshots_gain_by_entry_is_integer CHECK (typeof(gain_by_entry) = 'text' AND length(gain_by_entry) BETWEEN 1 AND 60 AND ltrim(gain_by_entry, '-') NOT GLOB '*[^0-9]*'),
  CONSTRAINT snapshots_gain_percent_is_decimal CHECK (typeof(gain_percent) = 'text' AND gain_percent GLOB '*[0-9].[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]' AND ltrim(gain_percent, '-') NOT GLOB '*[^0-9.]*'),
  CONSTRAINT snapshots_counted_closes_in_range CHECK (typeof(counted_closes) = 'integer' AND counted_closes >= 0),
  CONSTRAINT snapshots_counted_duration_in_range CHECK (typeof(counted_duration_us) = 'integer' AND counted_duration_us >= 0 AND (counted_closes > 0 OR counted_duration_us = 0)),
  CONSTRAINT snapshots_open_age_within_window CHECK (typeof(open_age_us) = 'integer' AND open_age_us BETWEEN 0 AND window_us AND (open_positions > 0 OR open_age_us = 0)),
  CONSTRAINT snapshots_gain_weight_in_range CHECK (typeof(gain_weight) = 'integer' AND gain_weight BETWEEN 0 AND 1000000000),
  CONSTRAINT snapshots_volume_weight_in_range CHECK (typeof(volume_weight) = 'integer' AND volume_weight BETWEEN 0 AND 1000000000),
  CONSTRAINT snapshots_win_rate_weight_in_range CHECK (typeof(win_rate_weight) = 'integer' AND win_rate_weight BETWEEN 0 AND 1000000000),
  CONSTRAINT snapshots_score_from_three_positions CHECK ((positions < 3) = (score IS NULL) AND (score IS NULL OR typeof(score) = 'integer'))
) WITHOUT ROWID;

-- All miners at a moment; pruning seeks what is old enough.
CREATE INDEX snapshots_by_time ON snapshots (at, miner_id);

-- +goose StatementBegin
CREATE TRIGGER snapshots_insert BEFORE INSERT ON snapshots
BEGIN
  SELECT RAISE(ABORT, 'snapshots: the miner has a snapshot of this moment')
  WHERE EXISTS (SELECT 1 FROM snapshots s WHERE s.miner_id = NEW.miner_id AND s.at = NEW.at);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER snapshots_update BEFORE UPDATE ON snapshots
BEGIN
  SELECT RAISE(ABORT, 'snapshots: what stood at a moment never changes');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE snapshots;
