-- name: InsertMiner :one
INSERT INTO miners (coldkey, status, tracking_start, registered_at)
VALUES (@coldkey, @status, @tracking_start, @registered_at)
RETURNING miner_id;

-- name: SetMinerStatus :execrows
UPDATE miners SET status = @status WHERE miner_id = @miner_id;

-- Increments, so that a miner's history is never summed again.
-- name: AddToMiner :exec
UPDATE miners SET
  latest_key = @latest_key,
  oldest_late_key = @oldest_late_key,
  last_active = @last_active,
  positions = positions + @positions,
  open_positions = open_positions + @open_positions,
  trades = trades + @trades,
  closes = closes + @closes,
  entry_tao = entry_tao + @entry_tao,
  entry_alpha = entry_alpha + @entry_alpha,
  closed_alpha = closed_alpha + @closed_alpha,
  exit_tao = exit_tao + @exit_tao,
  raw_gain = raw_gain + @raw_gain,
  gain = gain + @gain,
  counted_closes = counted_closes + @counted_closes,
  winning_closes = winning_closes + @winning_closes,
  counted_duration_us = counted_duration_us + @counted_duration_us,
  unmatched_alpha = unmatched_alpha + @unmatched_alpha,
  unmatched_tao = unmatched_tao + @unmatched_tao
WHERE miner_id = @miner_id;
