-- Who holds which UID now, by UID.
-- name: CurrentHolders :many
SELECT r.registration_id, r.miner_id, r.uid, r.hotkey, r.started_at, m.coldkey, m.status
FROM registrations r
CROSS JOIN miners m
WHERE r.ended_at IS NULL AND r.uid > CAST(@after_uid AS BIGINT) AND m.miner_id = r.miner_id
ORDER BY r.uid
LIMIT CAST(@page_size AS BIGINT);
