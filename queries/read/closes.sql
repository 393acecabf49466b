-- name: ClosesOfTrade :many
SELECT * FROM closes
WHERE trade_id = @trade_id AND step > @after_step
ORDER BY step
LIMIT @page_size;

-- name: ClosesOfPosition :many
SELECT * FROM closes
WHERE position_id = @position_id AND trade_id > @after_trade_id
ORDER BY trade_id
LIMIT @page_size;
