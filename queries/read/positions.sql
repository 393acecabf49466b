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

-- The same as Positions, the newest first.
-- name: PositionsDown :many
SELECT * FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND p.event_key > CAST(@after_key AS event_key_text) AND p.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR p.netuid = CAST(@netuid AS netuid_int))
  AND (CAST(@any_status AS BIGINT) = 1 OR p.status = CAST(@status AS position_status_text))
ORDER BY p.event_key DESC
LIMIT CAST(@page_size AS BIGINT);

-- The positions of a miner that were entered and not yet closed before a key, with the alpha that was left then and
-- what of the TAO paid was in it: live or archived ones, in order.
-- name: PositionsAsOf :many
SELECT p.*, CAST(p.entry_alpha - COALESCE((SELECT SUM(c.alpha) FROM closes c WHERE c.position_id = p.position_id AND c.event_key < CAST(@before_key AS event_key_text)), 0) AS rao_int) AS alpha_then,
  CAST(p.entry_tao - COALESCE((SELECT SUM(c.cost) FROM closes c WHERE c.position_id = p.position_id AND c.event_key < CAST(@before_key AS event_key_text)), 0) AS rao_int) AS cost_then,
  CAST(COALESCE((SELECT SUM(c.gain) FROM closes c WHERE c.position_id = p.position_id AND c.event_key < CAST(@before_key AS event_key_text)), 0) AS rao_int) AS gain_then
FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND p.event_key > CAST(@after_key AS event_key_text) AND p.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR p.netuid = CAST(@netuid AS netuid_int))
  AND p.entry_alpha > COALESCE((SELECT SUM(c.alpha) FROM closes c WHERE c.position_id = p.position_id AND c.event_key < CAST(@before_key AS event_key_text)), 0)
ORDER BY p.event_key
LIMIT CAST(@page_size AS BIGINT);

-- The positions of a miner that were closed in a span, archived or not, in the order in which they were.
-- name: PositionsClosed :many
SELECT p.* FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND p.closed_at >= CAST(@from AS time_int) AND p.closed_at <= CAST(@until AS time_int)
  AND (p.closed_at, p.position_id) > (CAST(@after_closed_at AS time_int), CAST(@after_position_id AS BIGINT))
ORDER BY p.closed_at, p.position_id
LIMIT CAST(@page_size AS BIGINT);
