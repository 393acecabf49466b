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

-- name: AddToIntake :execrows
UPDATE intakes SET
  applied = applied + @applied,
  duplicates = duplicates + @duplicates,
  out_of_order = out_of_order + @out_of_order,
  registered_miners = registered_miners + @registered_miners,
  ignored_before_tracking_start = ignored_before_tracking_start + @ignored_before_tracking_start,
  ignored_invalid_netuid = ignored_invalid_netuid + @ignored_invalid_netuid,
  ignored_zero_amounts = ignored_zero_amounts + @ignored_zero_amounts,
  ignored_no_open_position = ignored_no_open_position + @ignored_no_open_position,
  ignored_excluded = ignored_excluded + @ignored_excluded,
  rejected_duplicate_conflict = rejected_duplicate_conflict + @rejected_duplicate_conflict,
  rejected_unknown_miner = rejected_unknown_miner + @rejected_unknown_miner,
  rejected_overflow = rejected_overflow + @rejected_overflow
WHERE intake_id = @intake_id;

-- name: DeleteDiscardedIntakes :execrows
DELETE FROM intakes
WHERE state = 'discarded'
  AND NOT EXISTS (SELECT 1 FROM staged_events s WHERE s.intake_id = intakes.intake_id);

-- name: InsertStagedEvent :exec
INSERT INTO staged_events (intake_id, coldkey, time, block, extrinsic_block, extrinsic_number, extrinsic_id,
  event_index, seq, kind, netuid, hotkey, tao, alpha, excluded)
VALUES (@intake_id, @coldkey, @time, @block, @extrinsic_block, @extrinsic_number, @extrinsic_id,
  @event_index, @seq, @kind, @netuid, @hotkey, @tao, @alpha, @excluded);

-- The events of a coldkey up to one, in their order.
-- name: DeleteStagedEvents :execrows
DELETE FROM staged_events
WHERE intake_id = CAST(@intake_id AS BIGINT) AND coldkey = CAST(@coldkey AS address_text)
  AND (time, block, extrinsic_block, extrinsic_number, extrinsic_id, event_index, seq)
    <= (CAST(@time AS time_int), CAST(@block AS BIGINT), CAST(@extrinsic_block AS BIGINT), CAST(@extrinsic_number AS BIGINT),
        CAST(@extrinsic_id AS TEXT), CAST(@event_index AS BIGINT), CAST(@seq AS BIGINT));
