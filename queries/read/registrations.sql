-- name: CurrentRegistrationByUID :one
SELECT * FROM registrations WHERE uid = @uid AND ended_at IS NULL;

-- name: CurrentRegistrationByHotkey :one
SELECT * FROM registrations WHERE hotkey = @hotkey AND ended_at IS NULL;

-- name: CurrentRegistrations :many
SELECT * FROM registrations
WHERE ended_at IS NULL AND uid > CAST(@after_uid AS BIGINT)
ORDER BY uid
LIMIT @page_size;

-- name: RegistrationsOfMiner :many
SELECT * FROM registrations
WHERE miner_id = @miner_id AND registration_id > @after_registration_id
ORDER BY registration_id
LIMIT @page_size;

-- name: CurrentRegistrationsOfMiner :many
SELECT * FROM registrations
WHERE miner_id = @miner_id AND ended_at IS NULL
ORDER BY registration_id;
