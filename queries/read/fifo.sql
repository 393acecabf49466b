-- The candidates of a close, first in first out, between two keys.
-- name: FIFOCandidates :many
SELECT p.position_id, p.extrinsic_id, p.event_key, p.entry_block, p.entry_time, p.entry_tao, p.entry_alpha, p.remaining_alpha, p.last_exit_time
FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND p.netuid = CAST(@netuid AS netuid_int) AND p.remaining_alpha > 0
  AND p.event_key > CAST(@after_key AS event_key_text) AND p.event_key < CAST(@before_key AS event_key_text)
ORDER BY p.event_key
LIMIT CAST(@page_size AS BIGINT);

-- The candidates that the trade's own extrinsic opened. The key of the events finds them, and their ids the positions:
-- where SQLite once counted that nothing is open, it would rather read all that is, hence CROSS JOIN and the plus.
-- name: SelfTradeCandidates :many
SELECT p.position_id, p.extrinsic_id, p.event_key, p.entry_block, p.entry_time, p.entry_tao, p.entry_alpha, p.remaining_alpha, p.last_exit_time
FROM events e
CROSS JOIN positions p
WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.extrinsic_id = CAST(@extrinsic_id AS TEXT) AND p.position_id = e.event_id
  AND p.netuid = CAST(@netuid AS netuid_int) AND p.event_key < CAST(@before_key AS event_key_text) AND +p.remaining_alpha > 0
ORDER BY p.event_key;

-- The positions of a list of ids, a JSON array, whoever they belong to.
-- name: ListedPositions :many
SELECT * FROM positions p
WHERE p.position_id IN (SELECT j.value FROM json_each(CAST(@position_ids AS TEXT)) j)
ORDER BY p.event_key;
