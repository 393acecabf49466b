-- name: InsertIntake :one
INSERT INTO intakes (state, created_at, heartbeat, min_blocks, self_trade, no_register, tracking_start)
VALUES ('staging', @created_at, @heartbeat, @min_blocks, @self_trade, @no_register, @tracking_start)
RETURNING intake_id;

-- No row changes when another process has collected the intake as abandoned.
-- name: AddToStaging :execrows
UPDATE intakes SET staged = staged + @staged, heartbeat = @heartbeat
WHERE intake_id = @intake_id AND state = 'staging';

-- name: FinishStaging :execrows
UPDATE intakes SET state = 'staged', heartbeat = @heartbeat
WHERE intake_id = @intake_id AND state = 'staging';

-- name: DiscardIntake :execrows
UPDATE intakes SET state = 'discarded'
WHERE intake_id = @intake_id AND state = 'staging';

-- name: DiscardAbandonedIntakes :execrows
UPDATE intakes SET state = 'discarded'
WHERE state = 'staging' AND heartbeat < @older_than;

-- name: FinishIntakes :execrows
UPDATE intakes SET state = 'done'
WHERE state = 'staged'
  AND NOT EXISTS (SELECT 1 FROM staged_events s WHERE s.intake_id = intakes.intake_id);

-- name: AddToIntake :exec
UPDATE intakes SET
  applied = applied + @applied,
  duplicates = duplicates + @duplicates,
  out_of_order = out_of_order + @out_of_order,
  registered_miners = registered_miners + @registered_miners
WHERE intake_id = @intake_id;

-- name: AddToIntakeIgnored :exec
INSERT INTO intake_ignored (intake_id, reason, events)
VALUES (@intake_id, @reason, @events)
ON CONFLICT (intake_id, reason) DO UPDATE SET events = intake_ignored.events + excluded.events;

-- name: AddToIntakeRejected :exec
INSERT INTO intake_rejected (intake_id, reason, events)
VALUES (@intake_id, @reason, @events)
ON CONFLICT (intake_id, reason) DO UPDATE SET events = intake_rejected.events + excluded.events;

-- name: DeleteDiscardedIntakes :execrows
DELETE FROM intakes
WHERE state = 'discarded'
  AND NOT EXISTS (SELECT 1 FROM staged_events s WHERE s.intake_id = intakes.intake_id);

-- name: InsertStagedEvent :exec
INSERT INTO staged_events (intake_id, coldkey, event_key, seq, time, block, extrinsic_id, event_index,
  kind, netuid, hotkey, tao, alpha, excluded, is_transfer, fee, usd)
VALUES (@intake_id, @coldkey, @event_key, @seq, @time, @block, @extrinsic_id, @event_index,
  @kind, @netuid, @hotkey, @tao, @alpha, @excluded, @is_transfer, @fee, @usd);

-- The events of a coldkey up to one, in their order.
-- name: DeleteStagedEvents :execrows
DELETE FROM staged_events
WHERE intake_id = CAST(@intake_id AS BIGINT) AND coldkey = CAST(@coldkey AS address_text)
  AND (event_key, block, kind, netuid, hotkey, tao, alpha, seq)
    <= (CAST(@event_key AS event_key_text), CAST(@block AS BIGINT), CAST(@kind AS event_kind_text), CAST(@netuid AS netuid_int), CAST(@hotkey AS address_text),
      CAST(@tao AS rao_int), CAST(@alpha AS rao_int), CAST(@seq AS BIGINT));
