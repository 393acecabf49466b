-- Archiving marks rows where they stand. The lists of ids are JSON arrays.
-- name: ArchivePositions :execrows
UPDATE positions SET archive_run = @archive_run
WHERE +miner_id = @miner_id AND archive_run IS NULL
  AND position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j);

-- name: ArchiveTrades :execrows
UPDATE trades SET archive_run = @archive_run
WHERE +miner_id = @miner_id AND archive_run IS NULL
  AND trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j);

-- name: AddToArchiveRun :execrows
INSERT INTO archive_runs (run_id, miner_id, cutoff, started_at, finished_at, positions, trades, closes, entry_tao, gain)
VALUES (@run_id, @miner_id, @cutoff, @started_at, @finished_at, @positions, @trades, @closes, @entry_tao, @gain)
ON CONFLICT (run_id, miner_id) DO UPDATE SET
  finished_at = excluded.finished_at,
  positions = archive_runs.positions + excluded.positions,
  trades = archive_runs.trades + excluded.trades,
  closes = archive_runs.closes + excluded.closes,
  entry_tao = archive_runs.entry_tao + excluded.entry_tao,
  gain = archive_runs.gain + excluded.gain;
