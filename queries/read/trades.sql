-- name: TradeByID :one
SELECT * FROM trades WHERE trade_id = @trade_id;

-- name: Trades :many
SELECT * FROM trades t
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND (t.exit_time, t.trade_id) > (CAST(@after_time AS time_int), CAST(@after_trade_id AS BIGINT))
  AND t.exit_time <= @until
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = CAST(@netuid AS netuid_int))
ORDER BY t.exit_time, t.trade_id
LIMIT CAST(@page_size AS BIGINT);
