-- No row is affected when the key is there already; the event that has it tells the rest. The id is the last
-- inserted one: RETURNING would open a temporary table for it, which costs more than the row.
-- name: InsertEvent :execresult
INSERT INTO events (miner_id, extrinsic_id, event_index, event_key, kind, netuid, hotkey, block, time, tao, alpha,
  outcome, reason, out_of_order, mode, min_blocks, self_trade, position_ids, is_transfer, fee, usd)
VALUES (@miner_id, @extrinsic_id, @event_index, @event_key, @kind, @netuid, @hotkey, @block, @time, @tao, @alpha,
  @outcome, @reason, @out_of_order, @mode, @min_blocks, @self_trade, @position_ids, @is_transfer, @fee, @usd)
ON CONFLICT (miner_id, extrinsic_id, event_index) DO NOTHING;

-- What a repeat of an event says beside its contents, where nothing was said before.
-- name: CompleteEvent :execrows
UPDATE events SET
  is_transfer = COALESCE(is_transfer, @is_transfer),
  fee = COALESCE(fee, @fee),
  usd = COALESCE(usd, @usd)
WHERE event_id = @event_id;

-- name: InsertRejectedEvent :exec
INSERT INTO rejected_events (coldkey, extrinsic_id, event_index, reason, payload)
VALUES (@coldkey, @extrinsic_id, @event_index, @reason, @payload)
ON CONFLICT (coldkey, extrinsic_id, event_index, reason, payload) DO NOTHING;

-- name: AcknowledgeRejectedEvent :execrows
UPDATE rejected_events SET acknowledged_at = @acknowledged_at
WHERE rejected_id = @rejected_id AND acknowledged_at IS NULL;

-- What had been acknowledged before a time, some of it.
-- name: PruneRejectedEvents :execrows
DELETE FROM rejected_events
WHERE rejected_id IN (
  SELECT r.rejected_id FROM rejected_events r
  WHERE r.acknowledged_at < CAST(@before AS time_int)
  ORDER BY r.acknowledged_at, r.rejected_id
  LIMIT CAST(@page_size AS BIGINT));

-- Notices of events that a miner was not known for, and that are on record now.
-- name: ClearUnknownMiner :exec
DELETE FROM rejected_events
WHERE coldkey = CAST(@coldkey AS address_text) AND reason = 'unknown_miner'
  AND EXISTS (
    SELECT 1 FROM events e
    WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.extrinsic_id = rejected_events.extrinsic_id AND e.event_index = rejected_events.event_index);
