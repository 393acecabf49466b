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

-- Which miners an input still has events of, and how many.
-- name: StagedColdkeys :many
SELECT s.coldkey, COUNT(*) AS events FROM staged_events s
WHERE s.intake_id = CAST(@intake_id AS BIGINT) AND s.coldkey > CAST(@after_coldkey AS address_text)
GROUP BY s.coldkey
ORDER BY s.coldkey
LIMIT CAST(@page_size AS BIGINT);

-- name: StagedEvents :many
SELECT * FROM staged_events
WHERE intake_id = CAST(@intake_id AS BIGINT) AND coldkey = CAST(@coldkey AS address_text)
ORDER BY event_key, block, kind, netuid, hotkey, tao, alpha, seq
LIMIT CAST(@page_size AS BIGINT);

-- name: IntakeIgnored :many
SELECT i.reason, i.events FROM intake_ignored i
WHERE i.intake_id = CAST(@intake_id AS BIGINT)
ORDER BY i.reason;

-- name: IntakeRejected :many
SELECT i.reason, i.events FROM intake_rejected i
WHERE i.intake_id = CAST(@intake_id AS BIGINT)
ORDER BY i.reason;
