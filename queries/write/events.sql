-- No row is affected when the key is there already; the event that has it tells the rest. The id is the last
-- inserted one: RETURNING would open a temporary table for it, which costs more than the row.
-- name: InsertEvent :execresult
INSERT INTO events (miner_id, extrinsic_id, event_index, kind, netuid, hotkey, block, time, tao, alpha,
  outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids)
VALUES (@miner_id, @extrinsic_id, @event_index, @kind, @netuid, @hotkey, @block, @time, @tao, @alpha,
  @outcome, @reason, @out_of_order, @mode, @min_blocks, @self_trade, @position_ids)
ON CONFLICT (miner_id, extrinsic_id, event_index) DO NOTHING;

-- name: InsertRejectedEvent :execrows
INSERT INTO rejected_events (coldkey, extrinsic_id, event_index, reason, payload)
VALUES (@coldkey, @extrinsic_id, @event_index, @reason, @payload)
ON CONFLICT (coldkey, extrinsic_id, event_index, reason, payload) DO NOTHING;
