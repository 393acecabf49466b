-- name: TradeByID :one
SELECT * FROM trades WHERE trade_id = @trade_id;

-- A miner's trades in order, those between two keys: the live ones, or the archived ones.
-- name: Trades :many
SELECT * FROM trades t
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND t.event_key > CAST(@after_key AS event_key_text) AND t.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = CAST(@netuid AS netuid_int))
ORDER BY t.event_key
LIMIT CAST(@page_size AS BIGINT);

-- The same, the newest first.
-- name: TradesDown :many
SELECT * FROM trades t
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND t.event_key > CAST(@after_key AS event_key_text) AND t.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = CAST(@netuid AS netuid_int))
ORDER BY t.event_key DESC
LIMIT CAST(@page_size AS BIGINT);
