-- name: CurrentRegistrationByUID :one
SELECT * FROM registrations WHERE uid = CAST(@uid AS uid_int) AND ended_at IS NULL;

-- name: CurrentRegistrationByHotkey :one
SELECT * FROM registrations WHERE hotkey = CAST(@hotkey AS address_text) AND ended_at IS NULL;

-- name: CurrentRegistrations :many
SELECT * FROM registrations
WHERE ended_at IS NULL AND uid > CAST(@after_uid AS BIGINT)
ORDER BY uid
LIMIT CAST(@page_size AS BIGINT);

-- name: RegistrationsOfMiner :many
SELECT * FROM registrations
WHERE miner_id = CAST(@miner_id AS BIGINT) AND registration_id > @after_registration_id
ORDER BY registration_id
LIMIT CAST(@page_size AS BIGINT);

-- name: CurrentRegistrationsOfMiner :many
SELECT * FROM registrations
WHERE miner_id = CAST(@miner_id AS BIGINT) AND ended_at IS NULL
ORDER BY registration_id;

-- name: LastRegistrationID :one
SELECT CAST(COALESCE(MAX(registration_id), 0) AS BIGINT) AS registration_id FROM registrations;
