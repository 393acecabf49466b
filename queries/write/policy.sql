-- name: SetPolicy :execrows
UPDATE policy SET min_blocks = @min_blocks, self_trade = @self_trade, transfers = @transfers, lookback_days = @lookback_days
WHERE policy_id = 1;

-- name: SetPolicyMixed :execrows
UPDATE policy SET mixed = @mixed WHERE policy_id = 1;
