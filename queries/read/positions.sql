-- name: PositionByID :one
SELECT * FROM positions WHERE position_id = @position_id;

-- name: Positions :many
SELECT * FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND (p.entry_time, p.position_id) > (CAST(@after_time AS time_int), CAST(@after_position_id AS BIGINT))
  AND p.entry_time <= @until
  AND (CAST(@any_netuid AS BIGINT) = 1 OR p.netuid = CAST(@netuid AS netuid_int))
  AND (CAST(@any_status AS BIGINT) = 1 OR p.status = CAST(@status AS position_status_text))
ORDER BY p.entry_time, p.position_id
LIMIT CAST(@page_size AS BIGINT);

-- name: OpenPositions :many
SELECT * FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND p.remaining_alpha > 0
  AND (p.netuid, p.entry_time, p.entry_block, p.position_id) > (CAST(@after_netuid AS netuid_int), CAST(@after_time AS time_int), CAST(@after_block AS BIGINT), CAST(@after_position_id AS BIGINT))
ORDER BY p.netuid, p.entry_time, p.entry_block, p.position_id
LIMIT CAST(@page_size AS BIGINT);
