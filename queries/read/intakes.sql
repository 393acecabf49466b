-- name: IntakeByID :one
SELECT * FROM intakes WHERE intake_id = @intake_id;

-- name: IntakesByState :many
SELECT * FROM intakes
WHERE state = CAST(@state AS TEXT) AND intake_id > @after_intake_id
ORDER BY intake_id
LIMIT CAST(@page_size AS BIGINT);

-- name: NextStagedColdkey :one
SELECT coldkey FROM staged_events
WHERE intake_id = CAST(@intake_id AS BIGINT) AND coldkey >= @from_coldkey
ORDER BY coldkey
LIMIT 1;

-- name: StagedEvents :many
SELECT * FROM staged_events
WHERE intake_id = CAST(@intake_id AS BIGINT) AND coldkey = CAST(@coldkey AS address_text)
ORDER BY time, block, extrinsic_block, extrinsic_number, extrinsic_id, event_index, seq
LIMIT CAST(@page_size AS BIGINT);
