-- name: MinerByID :one
SELECT * FROM miners WHERE miner_id = @miner_id;

-- name: MinerByColdkey :one
SELECT * FROM miners WHERE coldkey = @coldkey;

-- What an unstake is handled by, in one round trip.
-- name: MinerAndPolicy :one
SELECT sqlc.embed(m), sqlc.embed(p) FROM miners m, policy p
WHERE m.coldkey = CAST(@coldkey AS address_text) AND p.policy_id = 1;

-- name: MinerByHotkey :one
SELECT m.* FROM registrations r
JOIN miners m ON m.miner_id = r.miner_id
WHERE r.hotkey = CAST(@hotkey AS address_text) AND r.ended_at IS NULL;

-- name: MinerByUID :one
SELECT m.* FROM registrations r
JOIN miners m ON m.miner_id = r.miner_id
WHERE r.uid = CAST(@uid AS uid_int) AND r.ended_at IS NULL;

-- name: Miners :many
SELECT * FROM miners
WHERE miner_id > @after_miner_id
ORDER BY miner_id
LIMIT CAST(@page_size AS BIGINT);

-- name: MinersByStatus :many
SELECT * FROM miners
WHERE status = CAST(@status AS miner_status_text) AND miner_id > @after_miner_id
ORDER BY miner_id
LIMIT CAST(@page_size AS BIGINT);

-- name: MinersByColdkey :many
SELECT * FROM miners
WHERE coldkey > @after_coldkey
ORDER BY coldkey
LIMIT CAST(@page_size AS BIGINT);

-- The miners whose rows wait for a replay, since an event of theirs came late.
-- name: MarkedMiners :many
SELECT * FROM miners
WHERE oldest_late_key IS NOT NULL AND miner_id > @after_miner_id
ORDER BY miner_id
LIMIT CAST(@page_size AS BIGINT);
