-- name: ClosesOfTrade :many
SELECT * FROM closes
WHERE trade_id = CAST(@trade_id AS BIGINT) AND step > @after_step
ORDER BY step
LIMIT CAST(@page_size AS BIGINT);

-- name: ClosesOfPosition :many
SELECT * FROM closes
WHERE position_id = CAST(@position_id AS BIGINT) AND trade_id > @after_trade_id
ORDER BY trade_id
LIMIT CAST(@page_size AS BIGINT);
