-- The closes of a list of trades, a JSON array.
-- name: ClosesOfTrades :many
SELECT * FROM closes c
WHERE c.trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j)
ORDER BY c.trade_id, c.step;

-- name: ArchivedClosesOfTrades :many
SELECT * FROM archived_closes c
WHERE c.trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j)
ORDER BY c.trade_id, c.step;
