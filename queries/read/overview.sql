-- What each miner gained on each UTC day: the gain of every close on the day of its trade, which may be live
-- still where the close is archived. 86400000000 is a day in microseconds. Sums over one miner fit, since its
-- counters do.
-- name: GainsByDay :many
SELECT d.miner_id, d.day, CAST(SUM(d.gain) AS rao_int) AS gain
FROM (
  SELECT c.miner_id, CAST(t.exit_time / 86400000000 AS BIGINT) AS day, c.gain
  FROM trades t
  CROSS JOIN closes c
  WHERE c.trade_id = t.trade_id
  UNION ALL
  SELECT c.miner_id, CAST(t.exit_time / 86400000000 AS BIGINT) AS day, c.gain
  FROM trades t
  CROSS JOIN archived_closes c
  WHERE c.trade_id = t.trade_id
  UNION ALL
  SELECT c.miner_id, CAST(t.exit_time / 86400000000 AS BIGINT) AS day, c.gain
  FROM archived_trades t
  CROSS JOIN archived_closes c
  WHERE c.trade_id = t.trade_id
) d
GROUP BY d.miner_id, d.day
ORDER BY d.miner_id, d.day;

-- What each miner holds on each subnet, and what of the TAO that it paid is still in it. The closes of a
-- position that is open are never archived.
-- name: OpenExposures :many
SELECT p.miner_id, p.netuid, CAST(COUNT(*) AS BIGINT) AS positions,
  CAST(SUM(p.remaining_alpha) AS rao_int) AS alpha,
  CAST(SUM(p.entry_tao - CASE p.status WHEN 'open' THEN 0 ELSE (
    SELECT COALESCE(SUM(c.cost), 0) FROM closes c WHERE c.position_id = p.position_id) END) AS rao_int) AS tao
FROM miners m
CROSS JOIN positions p
WHERE p.miner_id = m.miner_id AND p.remaining_alpha > 0
GROUP BY p.miner_id, p.netuid
ORDER BY p.miner_id, p.netuid;
