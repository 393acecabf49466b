-- name: MinerByID :one
SELECT * FROM miners WHERE miner_id = @miner_id;

-- name: MinerByColdkey :one
SELECT * FROM miners WHERE coldkey = @coldkey;

-- name: MinerByHotkey :one
SELECT m.* FROM registrations r
JOIN miners m ON m.miner_id = r.miner_id
WHERE r.hotkey = CAST(@hotkey AS address_text) AND r.ended_at IS NULL;

-- name: MinerByUID :one
SELECT m.* FROM registrations r
JOIN miners m ON m.miner_id = r.miner_id
WHERE r.uid = CAST(@uid AS uid_int) AND r.ended_at IS NULL;

-- The miner with its latest event, which tells whether the next one is older: what an operation begins with.
-- The CAST spares SQLite from planning it anew at every run: it does so, after the driver has cleared the
-- parameters, for a join that compares a column with a bare one.
-- name: MinerState :one
SELECT sqlc.embed(m), e.time AS latest_time, e.block AS latest_block,
  e.extrinsic_id AS latest_extrinsic_id, e.event_index AS latest_event_index
FROM miners m
LEFT JOIN events e ON e.event_id = m.latest_event_id
WHERE m.coldkey = CAST(@coldkey AS address_text);

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
