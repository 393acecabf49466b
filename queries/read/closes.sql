-- name: ClosesOfTrade :many
SELECT * FROM closes
WHERE trade_id = CAST(@trade_id AS BIGINT) AND step > @after_step
ORDER BY step
LIMIT CAST(@page_size AS BIGINT);

-- name: ClosesOfPosition :many
SELECT * FROM closes
WHERE position_id = CAST(@position_id AS BIGINT) AND event_key > CAST(@after_key AS event_key_text)
ORDER BY event_key
LIMIT CAST(@page_size AS BIGINT);

-- The closes of a list of trades, a JSON array.
-- name: ClosesOfTrades :many
SELECT * FROM closes c
WHERE c.trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j)
ORDER BY c.trade_id, c.step;
