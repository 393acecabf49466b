-- What may be archived, miner by miner and oldest first: closed before the cutoff. closes is how many closes
-- still move with it, counted no further than asked.
-- name: ClosedPositions :many
SELECT p.position_id, p.miner_id, CAST((
    SELECT COUNT(*) FROM (SELECT 1 FROM closes c WHERE c.position_id = p.position_id LIMIT CAST(@count_to AS BIGINT)) counted
  ) AS BIGINT) AS closes
FROM miners m
CROSS JOIN positions p
WHERE m.miner_id >= CAST(@from_miner_id AS BIGINT) AND m.miner_id <= CAST(@until_miner_id AS BIGINT)
  AND p.miner_id = m.miner_id AND p.closed_at < CAST(@cutoff AS time_int)
ORDER BY m.miner_id, p.closed_at, p.position_id
LIMIT CAST(@page_size AS BIGINT);

-- Those of a list of ids, a JSON array, that are still there to archive.
-- name: ArchivablePositions :many
SELECT p.position_id, p.miner_id, p.entry_tao, p.gain
FROM positions p
WHERE p.position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j)
  AND p.closed_at < CAST(@cutoff AS time_int)
ORDER BY p.position_id;

-- The closes of a list of positions, up to a trade.
-- name: ArchivableCloses :many
SELECT c.trade_id, c.miner_id
FROM closes c
WHERE c.position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j)
  AND c.trade_id <= CAST(@until_trade_id AS BIGINT)
ORDER BY c.position_id, c.trade_id;

-- Those of a list of positions whose closes have all moved.
-- name: SettledPositions :many
SELECT p.position_id
FROM positions p
WHERE p.position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j)
  AND NOT EXISTS (SELECT 1 FROM closes c WHERE c.position_id = p.position_id)
ORDER BY p.position_id;

-- Those of a list of trades whose closes have all moved.
-- name: SettledTrades :many
SELECT t.trade_id, t.miner_id
FROM trades t
WHERE t.trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j)
  AND NOT EXISTS (SELECT 1 FROM closes c WHERE c.trade_id = t.trade_id)
ORDER BY t.trade_id;

-- name: LatestArchiveRun :one
SELECT CAST(COALESCE(MAX(run_id), 0) AS BIGINT) AS run_id FROM archive_runs;

-- name: ArchiveRuns :many
SELECT * FROM archive_runs r
WHERE (r.run_id, r.miner_id) > (CAST(@after_run_id AS BIGINT), CAST(@after_miner_id AS BIGINT))
ORDER BY r.run_id, r.miner_id
LIMIT CAST(@page_size AS BIGINT);

-- name: ArchiveRunsOfMiner :many
SELECT * FROM archive_runs r
WHERE r.miner_id = CAST(@miner_id AS BIGINT) AND r.run_id > CAST(@after_run_id AS BIGINT)
ORDER BY r.run_id
LIMIT CAST(@page_size AS BIGINT);

-- name: ArchivedPositionByID :one
SELECT * FROM archived_positions WHERE position_id = @position_id;

-- name: ArchivedPositions :many
SELECT * FROM archived_positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND (p.entry_time, p.position_id) > (CAST(@after_time AS time_int), CAST(@after_position_id AS BIGINT))
  AND p.entry_time <= @until
  AND (CAST(@any_netuid AS BIGINT) = 1 OR p.netuid = CAST(@netuid AS netuid_int))
  AND (CAST(@any_status AS BIGINT) = 1 OR p.status = CAST(@status AS position_status_text))
ORDER BY p.entry_time, p.position_id
LIMIT CAST(@page_size AS BIGINT);

-- Whose the archived ones of a list of ids are.
-- name: ArchivedPositionOwners :many
SELECT p.position_id, p.miner_id
FROM archived_positions p
WHERE p.position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j)
ORDER BY p.position_id;

-- name: ArchivedTradeByID :one
SELECT * FROM archived_trades WHERE trade_id = @trade_id;

-- name: ArchivedTrades :many
SELECT * FROM archived_trades t
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND (t.exit_time, t.trade_id) > (CAST(@after_time AS time_int), CAST(@after_trade_id AS BIGINT))
  AND t.exit_time <= @until
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = CAST(@netuid AS netuid_int))
ORDER BY t.exit_time, t.trade_id
LIMIT CAST(@page_size AS BIGINT);

-- name: ArchivedClosesOfTrade :many
SELECT * FROM archived_closes
WHERE trade_id = CAST(@trade_id AS BIGINT) AND step > @after_step
ORDER BY step
LIMIT CAST(@page_size AS BIGINT);

-- name: ArchivedClosesOfPosition :many
SELECT * FROM archived_closes
WHERE position_id = CAST(@position_id AS BIGINT) AND trade_id > @after_trade_id
ORDER BY trade_id
LIMIT CAST(@page_size AS BIGINT);

-- The closes of a trade wherever they are.
-- name: AllClosesOfTrade :many
SELECT c.trade_id, c.step, c.position_id, c.miner_id, c.alpha, c.tao, c.cost, c.raw_gain, c.gain, c.duration_us, c.min_blocks_met, c.self_trade
FROM closes c
WHERE c.trade_id = CAST(@trade_id AS BIGINT) AND c.step > CAST(@after_step AS BIGINT)
UNION ALL
SELECT a.trade_id, a.step, a.position_id, a.miner_id, a.alpha, a.tao, a.cost, a.raw_gain, a.gain, a.duration_us, a.min_blocks_met, a.self_trade
FROM archived_closes a
WHERE a.trade_id = CAST(@trade_id AS BIGINT) AND a.step > CAST(@after_step AS BIGINT)
ORDER BY step
LIMIT CAST(@page_size AS BIGINT);
