-- name: Policy :one
SELECT * FROM policy WHERE policy_id = 1;

-- Whether an event was handled under another policy than the one that stands. It reads every event if none was.
-- name: PolicyIsMixed :one
SELECT CAST(CASE WHEN EXISTS (
  SELECT 1 FROM events e
  WHERE e.min_blocks <> p.min_blocks OR e.self_trade <> p.self_trade
     OR e.is_transfer = 1 AND CASE WHEN p.transfers = 'exclude' THEN CASE WHEN e.outcome = 'applied' OR e.reason = 'no_open_position' THEN 1 ELSE 0 END
       ELSE CASE WHEN e.reason = 'excluded' THEN 1 ELSE 0 END END = 1
  ) THEN 1 ELSE 0 END AS flag_int) AS mixed
FROM policy p
WHERE p.policy_id = 1;

-- The time of the newest event of all: of each miner's last, which is sought.
-- name: NewestEventTime :one
SELECT CAST(COALESCE(MAX(d.newest), 0) AS time_int) AS newest
FROM (
  SELECT (SELECT e.time FROM events e WHERE e.miner_id = m.miner_id ORDER BY e.event_key DESC LIMIT 1) AS newest
  FROM miners m
) d;
