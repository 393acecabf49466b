-- What a replay of a miner's events changes. All but the first needs the row that the first one sets.
-- name: BeginRebuild :execrows
INSERT INTO rebuilds (miner_id) VALUES (@miner_id);

-- name: EndRebuild :execrows
DELETE FROM rebuilds WHERE miner_id = @miner_id;

-- name: SetEventOutcome :execrows
UPDATE events SET outcome = @outcome, reason = @reason, out_of_order = @out_of_order, min_blocks = @min_blocks, self_trade = @self_trade
WHERE event_id = @event_id;

-- name: RemoveClose :execrows
DELETE FROM closes WHERE trade_id = @trade_id AND step = @step;

-- name: RemovePosition :execrows
DELETE FROM positions WHERE position_id = @position_id;

-- name: RemoveTrade :execrows
DELETE FROM trades WHERE trade_id = @trade_id;

-- name: SetPosition :execrows
UPDATE positions SET
  remaining_alpha = @remaining_alpha,
  status = @status,
  last_exit_time = @last_exit_time,
  closed_at = @closed_at,
  gain = @gain,
  archive_run = @archive_run
WHERE position_id = @position_id;

-- name: SetTrade :execrows
UPDATE trades SET
  unmatched_alpha = @unmatched_alpha,
  unmatched_tao = @unmatched_tao,
  archive_run = @archive_run
WHERE trade_id = @trade_id;

-- The trades that closed a part of positions, a JSON array, which are archived no more.
-- name: UnarchiveTradesOf :execrows
UPDATE trades SET archive_run = NULL
WHERE archive_run IS NOT NULL AND trade_id IN (
  SELECT c.trade_id FROM json_each(CAST(@position_ids AS TEXT)) j CROSS JOIN closes c WHERE c.position_id = j.value);

-- The counters as they are to be: the difference of two gains may not fit where both do.
-- name: SetMinerCounters :execrows
UPDATE miners SET
  latest_key = @latest_key,
  oldest_late_key = NULL,
  last_active = @last_active,
  positions = @positions,
  open_positions = @open_positions,
  trades = @trades,
  closes = @closes,
  entry_tao = @entry_tao,
  entry_alpha = @entry_alpha,
  closed_alpha = @closed_alpha,
  exit_tao = @exit_tao,
  raw_gain = @raw_gain,
  gain = @gain,
  counted_closes = @counted_closes,
  winning_closes = @winning_closes,
  counted_duration_us = @counted_duration_us,
  unmatched_alpha = @unmatched_alpha,
  unmatched_tao = @unmatched_tao
WHERE miner_id = @miner_id;
