-- name: PositionByID :one
SELECT * FROM positions WHERE position_id = @position_id;

-- A miner's positions in order, those between two keys: the live ones, or the archived ones.
-- name: Positions :many
SELECT * FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND p.event_key > CAST(@after_key AS event_key_text) AND p.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR p.netuid = CAST(@netuid AS netuid_int))
  AND (CAST(@any_status AS BIGINT) = 1 OR p.status = CAST(@status AS position_status_text))
ORDER BY p.event_key
LIMIT CAST(@page_size AS BIGINT);

-- name: OpenPositions :many
SELECT * FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND p.remaining_alpha > 0
  AND (p.netuid, p.event_key) > (CAST(@after_netuid AS netuid_int), CAST(@after_key AS event_key_text))
ORDER BY p.netuid, p.event_key
LIMIT CAST(@page_size AS BIGINT);
