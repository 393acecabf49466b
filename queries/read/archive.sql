-- What may be archived, miner by miner and oldest first: closed before the cutoff. closes is how many closes go
-- with it, counted no further than asked.
-- name: ArchivablePositions :many
SELECT p.position_id, p.miner_id, CAST((
    SELECT COUNT(*) FROM (SELECT 1 FROM closes c WHERE c.position_id = p.position_id LIMIT CAST(@count_to AS BIGINT)) counted
  ) AS BIGINT) AS closes
FROM miners m
CROSS JOIN positions p
WHERE m.miner_id >= CAST(@from_miner_id AS BIGINT) AND m.miner_id <= CAST(@until_miner_id AS BIGINT)
  AND p.miner_id = m.miner_id AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END = 0 AND p.closed_at < CAST(@cutoff AS time_int)
ORDER BY m.miner_id, p.closed_at, p.position_id
LIMIT CAST(@page_size AS BIGINT);

-- The ids find the rows, and no index: hence the plus.
-- What archiving a miner's positions of a list, a JSON array, takes with it: those that are still there to
-- archive, and their closes.
-- name: PositionsToArchive :many
SELECT p.position_id, p.entry_tao, p.gain, CAST((SELECT COUNT(*) FROM closes c WHERE c.position_id = p.position_id) AS BIGINT) AS closes
FROM positions p
WHERE p.position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j)
  AND +p.miner_id = CAST(@miner_id AS BIGINT) AND p.archive_run IS NULL AND p.closed_at < CAST(@cutoff AS time_int)
ORDER BY p.position_id;

-- The trades of a miner before a cutoff that are not archived, in order, and whether all positions that they
-- closed are.
-- name: ArchivableTrades :many
SELECT t.trade_id, t.event_key, CAST(CASE WHEN EXISTS (
    SELECT 1 FROM closes c JOIN positions p ON p.position_id = c.position_id
    WHERE c.trade_id = t.trade_id AND p.archive_run IS NULL) THEN 0 ELSE 1 END AS flag_int) AS settled
FROM trades t
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = 0
  AND t.event_key > CAST(@after_key AS event_key_text) AND t.event_key < CAST(@before_key AS event_key_text)
ORDER BY t.event_key
LIMIT CAST(@page_size AS BIGINT);

-- Those of a miner's trades of a list, a JSON array, that are still there to archive.
-- name: TradesToArchive :many
SELECT t.trade_id
FROM trades t
WHERE t.trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j)
  AND +t.miner_id = CAST(@miner_id AS BIGINT) AND t.archive_run IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM closes c JOIN positions p ON p.position_id = c.position_id
    WHERE c.trade_id = t.trade_id AND p.archive_run IS NULL)
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
