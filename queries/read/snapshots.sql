-- The positions of a miner between two keys: the live ones, or the archived ones.
-- name: PositionsEntered :many
SELECT p.position_id, p.event_key, p.entry_time, p.entry_tao, p.entry_alpha, p.remaining_alpha, p.gain
FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND p.event_key > CAST(@after_key AS event_key_text) AND p.event_key < CAST(@before_key AS event_key_text)
ORDER BY p.event_key
LIMIT CAST(@page_size AS BIGINT);

-- How many closes of the closed ones of these count, and for how long they were held.
-- name: CountedClosesEntered :one
SELECT CAST(COUNT(*) AS BIGINT) AS closes, CAST(COALESCE(SUM(c.duration_us), 0) AS BIGINT) AS duration_us
FROM positions p
JOIN closes c ON c.position_id = p.position_id
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END IN (0, 1)
  AND p.event_key > CAST(@after_key AS event_key_text) AND p.event_key < CAST(@before_key AS event_key_text)
  AND p.remaining_alpha = 0 AND c.min_blocks_met = 1;

-- name: SnapshotByKey :one
SELECT * FROM snapshots WHERE miner_id = @miner_id AND at = @at;

-- name: Snapshots :many
SELECT * FROM snapshots s
WHERE s.miner_id = CAST(@miner_id AS BIGINT) AND s.at > CAST(@after AS time_int) AND s.at <= CAST(@until AS time_int)
ORDER BY s.at
LIMIT CAST(@page_size AS BIGINT);

-- name: SnapshotsAt :many
SELECT * FROM snapshots s
WHERE s.at = CAST(@at AS time_int) AND s.miner_id > CAST(@after_miner_id AS BIGINT)
ORDER BY s.miner_id
LIMIT CAST(@page_size AS BIGINT);
