-- The key of the event before a key.
-- name: KeyBefore :one
SELECT CAST(COALESCE(MAX(e.event_key), '') AS event_key_text) AS event_key
FROM events e
WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.event_key < CAST(@before_key AS event_key_text);

-- The open positions of a miner on a subnet between two keys, first in first out.
-- name: OpenBetween :many
SELECT * FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND p.netuid = CAST(@netuid AS netuid_int) AND p.remaining_alpha > 0
  AND p.event_key < CAST(@before_key AS event_key_text) AND p.event_key > CAST(@after_key AS event_key_text)
ORDER BY p.event_key
LIMIT CAST(@page_size AS BIGINT);

-- When the last trade before a key closed a part of a position.
-- name: LastExitBefore :one
SELECT t.exit_time
FROM closes c
CROSS JOIN trades t
WHERE c.position_id = CAST(@position_id AS BIGINT) AND c.event_key < CAST(@before_key AS event_key_text) AND t.trade_id = c.trade_id
ORDER BY c.event_key DESC
LIMIT 1;

-- How many rows of a miner were ever archived: it changes with every run.
-- name: ArchivedRows :one
SELECT CAST(COALESCE(SUM(r.positions + r.trades), 0) AS BIGINT) AS archived FROM archive_runs r
WHERE r.miner_id = CAST(@miner_id AS BIGINT);
