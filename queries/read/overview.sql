-- What a miner gained in each stretch of time of a given length, counted from 1970: the gain of every close at
-- the time of its trade. Sums over one miner fit, since its counters do.
-- name: GainsOfMiner :many
SELECT d.stretch, CAST(SUM(d.gain) AS rao_int) AS gain, CAST(COUNT(*) AS BIGINT) AS closes,
  CAST(SUM(d.counted) AS BIGINT) AS counted_closes, CAST(SUM(d.winning) AS BIGINT) AS winning_closes
FROM (
  SELECT CAST(t.exit_time / CAST(@length_us AS BIGINT) AS BIGINT) AS stretch, c.gain, c.min_blocks_met AS counted,
    CASE WHEN c.min_blocks_met = 1 AND c.gain > 0 THEN 1 ELSE 0 END AS winning
  FROM trades t
  CROSS JOIN closes c
  WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND c.trade_id = t.trade_id
) d
GROUP BY d.stretch
ORDER BY d.stretch;

-- When anybody first and last sold, and 0 where nobody did: four seeks a miner.
-- name: SpanOfTrades :one
SELECT CAST(COALESCE(MIN(d.first_trade), 0) AS time_int) AS first_trade, CAST(COALESCE(MAX(d.last_trade), 0) AS time_int) AS last_trade
FROM (
  SELECT (SELECT t.exit_time FROM trades t WHERE t.miner_id = m.miner_id AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = 0 ORDER BY t.event_key LIMIT 1) AS first_trade,
    (SELECT t.exit_time FROM trades t WHERE t.miner_id = m.miner_id AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = 0 ORDER BY t.event_key DESC LIMIT 1) AS last_trade
  FROM miners m
  UNION ALL
  SELECT (SELECT t.exit_time FROM trades t WHERE t.miner_id = m.miner_id AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = 1 ORDER BY t.event_key LIMIT 1) AS first_trade,
    (SELECT t.exit_time FROM trades t WHERE t.miner_id = m.miner_id AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = 1 ORDER BY t.event_key DESC LIMIT 1) AS last_trade
  FROM miners m
) d;

-- The positions that a miner entered last, archived or not, the newest first.
-- name: NewestPositions :many
SELECT p.event_key AS event_key, p.position_id, p.netuid, p.entry_time, p.entry_tao, p.entry_alpha, p.remaining_alpha, p.gain
FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END = 0
UNION ALL
SELECT p.event_key AS event_key, p.position_id, p.netuid, p.entry_time, p.entry_tao, p.entry_alpha, p.remaining_alpha, p.gain
FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END = 1
ORDER BY event_key DESC
LIMIT CAST(@page_size AS BIGINT);

-- The closes that a miner made last, archived or not, the newest first.
-- name: NewestCloses :many
SELECT t.event_key AS event_key, c.step AS step, t.trade_id, c.position_id, t.netuid, t.exit_time, c.alpha, c.tao, c.cost, c.gain, c.duration_us, c.min_blocks_met, c.self_trade
FROM trades t
CROSS JOIN closes c
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = 0 AND c.trade_id = t.trade_id
UNION ALL
SELECT t.event_key AS event_key, c.step AS step, t.trade_id, c.position_id, t.netuid, t.exit_time, c.alpha, c.tao, c.cost, c.gain, c.duration_us, c.min_blocks_met, c.self_trade
FROM trades t
CROSS JOIN closes c
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = 1 AND c.trade_id = t.trade_id
ORDER BY event_key DESC, step DESC
LIMIT CAST(@page_size AS BIGINT);

-- What each miner holds on each subnet, and what of the TAO that it paid is still in it.
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
