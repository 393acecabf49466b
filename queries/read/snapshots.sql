-- The positions of a miner entered in a span of time, wherever they are.
-- name: PositionsEntered :many
SELECT p.position_id, p.entry_time, p.entry_tao, p.entry_alpha, p.remaining_alpha, p.gain
FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND p.entry_time <= CAST(@until AS time_int)
  AND (p.entry_time, p.position_id) > (CAST(@after_time AS time_int), CAST(@after_position_id AS BIGINT))
UNION ALL
SELECT a.position_id, a.entry_time, a.entry_tao, a.entry_alpha, a.remaining_alpha, a.gain
FROM archived_positions a
WHERE a.miner_id = CAST(@miner_id AS BIGINT) AND a.entry_time <= CAST(@until AS time_int)
  AND (a.entry_time, a.position_id) > (CAST(@after_time AS time_int), CAST(@after_position_id AS BIGINT))
ORDER BY entry_time, position_id
LIMIT CAST(@page_size AS BIGINT);

-- How many closes of the closed ones of these count, and for how long they were held. A closed position may
-- be live while closes of it are archived already.
-- name: CountedClosesEntered :one
SELECT CAST(COUNT(*) AS BIGINT) AS closes, CAST(COALESCE(SUM(d.duration_us), 0) AS BIGINT) AS duration_us
FROM (
  SELECT c.duration_us FROM positions p
  JOIN closes c ON c.position_id = p.position_id
  WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND p.entry_time BETWEEN CAST(@from AS time_int) AND CAST(@until AS time_int)
    AND p.remaining_alpha = 0 AND c.min_blocks_met = 1
  UNION ALL
  SELECT c.duration_us FROM positions p
  JOIN archived_closes c ON c.position_id = p.position_id
  WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND p.entry_time BETWEEN CAST(@from AS time_int) AND CAST(@until AS time_int)
    AND p.remaining_alpha = 0 AND c.min_blocks_met = 1
  UNION ALL
  SELECT c.duration_us FROM archived_positions p
  JOIN archived_closes c ON c.position_id = p.position_id
  WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND p.entry_time BETWEEN CAST(@from AS time_int) AND CAST(@until AS time_int)
    AND c.min_blocks_met = 1
) d;

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
