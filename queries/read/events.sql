-- name: EventByID :one
SELECT * FROM events WHERE event_id = @event_id;

-- name: EventByKey :one
SELECT * FROM events
WHERE miner_id = @miner_id AND extrinsic_id = @extrinsic_id AND event_index = @event_index;

-- A miner's events in order, those between two keys.
-- name: Events :many
SELECT * FROM events e
WHERE e.miner_id = CAST(@miner_id AS BIGINT)
  AND e.event_key > CAST(@after_key AS event_key_text) AND e.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_outcome AS BIGINT) = 1 OR e.outcome = CAST(@outcome AS outcome_text))
ORDER BY e.event_key
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

-- The same as Events, the newest first.
-- name: EventsDown :many
SELECT * FROM events e
WHERE e.miner_id = CAST(@miner_id AS BIGINT)
  AND e.event_key > CAST(@after_key AS event_key_text) AND e.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_outcome AS BIGINT) = 1 OR e.outcome = CAST(@outcome AS outcome_text))
ORDER BY e.event_key DESC
LIMIT CAST(@page_size AS BIGINT);
