-- name: TradeByID :one
SELECT * FROM trades WHERE trade_id = @trade_id;

-- name: Trades :many
SELECT * FROM trades t
WHERE t.miner_id = @miner_id AND (t.exit_time, t.trade_id) > (CAST(@after_time AS time_int), CAST(@after_trade_id AS BIGINT))
  AND t.exit_time <= @until
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = @netuid)
ORDER BY t.exit_time, t.trade_id
LIMIT @page_size;
