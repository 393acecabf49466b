-- No row comes back when the key is there already; the event that has it tells the rest.
-- name: InsertEvent :one
INSERT INTO events (miner_id, extrinsic_id, event_index, kind, netuid, hotkey, block, time, tao, alpha,
  outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids)
VALUES (@miner_id, @extrinsic_id, @event_index, @kind, @netuid, @hotkey, @block, @time, @tao, @alpha,
  @outcome, @reason, @out_of_order, @mode, @min_blocks, @self_trade, @position_ids)
ON CONFLICT (miner_id, extrinsic_id, event_index) DO NOTHING
RETURNING event_id;

-- name: InsertRejectedEvent :execrows
INSERT INTO rejected_events (coldkey, extrinsic_id, event_index, reason, payload)
VALUES (@coldkey, @extrinsic_id, @event_index, @reason, @payload)
ON CONFLICT (coldkey, extrinsic_id, event_index, reason, payload) DO NOTHING;
