-- name: EventByID :one
SELECT * FROM events WHERE event_id = @event_id;

-- name: EventByKey :one
SELECT * FROM events
WHERE miner_id = @miner_id AND extrinsic_id = @extrinsic_id AND event_index = @event_index;

-- name: Events :many
SELECT * FROM events e
WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND (e.time, e.block, e.event_id) > (CAST(@after_time AS time_int), CAST(@after_block AS BIGINT), CAST(@after_event_id AS BIGINT))
  AND e.time <= @until
  AND (CAST(@any_outcome AS BIGINT) = 1 OR e.outcome = CAST(@outcome AS outcome_text))
ORDER BY e.time, e.block, e.event_id
LIMIT CAST(@page_size AS BIGINT);

-- name: RejectedEvents :many
SELECT * FROM rejected_events
WHERE rejected_id > @after_rejected_id
ORDER BY rejected_id
LIMIT CAST(@page_size AS BIGINT);

-- name: RejectedEventsOfColdkey :many
SELECT * FROM rejected_events
WHERE coldkey = CAST(@coldkey AS address_text) AND rejected_id > @after_rejected_id
ORDER BY rejected_id
LIMIT CAST(@page_size AS BIGINT);
