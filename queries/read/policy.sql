-- name: Policy :one
SELECT min_blocks, self_trade, transfers, lookback_days FROM policy
WHERE policy_id = 1;
