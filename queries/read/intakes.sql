-- name: IntakeByID :one
SELECT * FROM intakes WHERE intake_id = @intake_id;

-- name: IntakesByState :many
SELECT * FROM intakes
WHERE state = @state AND intake_id > @after_intake_id
ORDER BY intake_id
LIMIT @page_size;

-- name: NextStagedColdkey :one
SELECT coldkey FROM staged_events
WHERE intake_id = @intake_id AND coldkey >= @from_coldkey
ORDER BY coldkey
LIMIT 1;

-- name: StagedEvents :many
SELECT * FROM staged_events
WHERE intake_id = @intake_id AND coldkey = @coldkey
ORDER BY time, block, extrinsic_block, extrinsic_number, extrinsic_id, event_index, seq
LIMIT @page_size;
