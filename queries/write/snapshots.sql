-- name: InsertSnapshot :exec
INSERT INTO snapshots (miner_id, at, window_us, taken_at, positions, open_positions, closed_positions, winning_positions,
  entry_tao, entry_alpha, closed_entry_tao, gain, gain_by_entry, gain_percent, counted_closes, counted_duration_us, open_age_us,
  gain_weight, volume_weight, win_rate_weight, score)
VALUES (@miner_id, @at, @window_us, @taken_at, @positions, @open_positions, @closed_positions, @winning_positions,
  @entry_tao, @entry_alpha, @closed_entry_tao, @gain, @gain_by_entry, @gain_percent, @counted_closes, @counted_duration_us, @open_age_us,
  @gain_weight, @volume_weight, @win_rate_weight, @score);

-- name: PruneSnapshots :execrows
DELETE FROM snapshots
WHERE (miner_id, at) IN (
  SELECT s.miner_id, s.at FROM snapshots s
  WHERE s.at < CAST(@before AS time_int)
  ORDER BY s.at, s.miner_id
  LIMIT CAST(@page_size AS BIGINT));
