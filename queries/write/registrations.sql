-- name: InsertRegistration :one
INSERT INTO registrations (miner_id, uid, hotkey, started_at)
VALUES (@miner_id, @uid, @hotkey, @started_at)
RETURNING registration_id;

-- name: EndRegistration :execrows
UPDATE registrations SET ended_at = @ended_at
WHERE registration_id = @registration_id AND ended_at IS NULL;
