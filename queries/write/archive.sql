-- Archiving copies rows and then deletes them: closes, then positions without any, then trades without any.
-- The lists of ids are JSON arrays.
-- name: ArchiveCloses :execrows
INSERT INTO archived_closes (trade_id, step, position_id, miner_id, alpha, tao, cost, raw_gain, gain, duration_us, min_blocks_met, self_trade)
SELECT c.trade_id, c.step, c.position_id, c.miner_id, c.alpha, c.tao, c.cost, c.raw_gain, c.gain, c.duration_us, c.min_blocks_met, c.self_trade
FROM closes c
WHERE c.position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j)
  AND c.trade_id <= CAST(@until_trade_id AS BIGINT);

-- name: DeleteArchivedCloses :execrows
DELETE FROM closes
WHERE position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j)
  AND trade_id <= CAST(@until_trade_id AS BIGINT);

-- name: ArchivePositions :execrows
INSERT INTO archived_positions (position_id, miner_id, netuid, hotkey, extrinsic_id, event_index, entry_block, entry_time,
  entry_tao, entry_alpha, remaining_alpha, status, last_exit_time, closed_at, gain)
SELECT p.position_id, p.miner_id, p.netuid, p.hotkey, p.extrinsic_id, p.event_index, p.entry_block, p.entry_time,
  p.entry_tao, p.entry_alpha, p.remaining_alpha, p.status, p.last_exit_time, p.closed_at, p.gain
FROM positions p
WHERE p.position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j);

-- name: DeleteArchivedPositions :execrows
DELETE FROM positions
WHERE position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j);

-- name: ArchiveTrades :execrows
INSERT INTO archived_trades (trade_id, miner_id, netuid, hotkey, extrinsic_id, event_index, exit_block, exit_time,
  exit_tao, exit_alpha, unmatched_alpha, unmatched_tao)
SELECT t.trade_id, t.miner_id, t.netuid, t.hotkey, t.extrinsic_id, t.event_index, t.exit_block, t.exit_time,
  t.exit_tao, t.exit_alpha, t.unmatched_alpha, t.unmatched_tao
FROM trades t
WHERE t.trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j);

-- name: DeleteArchivedTrades :execrows
DELETE FROM trades
WHERE trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j);

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
