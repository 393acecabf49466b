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
