-- What each miner entered between two keys, live or archived, on one subnet or all.
-- name: PeriodEntries :many
SELECT p.miner_id, CAST(COUNT(*) AS BIGINT) AS positions, CAST(SUM(p.entry_tao) AS rao_int) AS entry_tao, CAST(SUM(p.entry_alpha) AS rao_int) AS entry_alpha
FROM miners m
CROSS JOIN positions p
WHERE p.miner_id = m.miner_id AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END IN (0, 1)
  AND p.event_key > CAST(@after_key AS event_key_text) AND p.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR p.netuid = CAST(@netuid AS netuid_int))
GROUP BY p.miner_id
ORDER BY p.miner_id;

-- What each miner sold between two keys, live or archived, on one subnet or all, and what of it no position covered.
-- name: PeriodTrades :many
SELECT t.miner_id, CAST(COUNT(*) AS BIGINT) AS trades, CAST(SUM(t.unmatched_alpha) AS rao_int) AS unmatched_alpha, CAST(SUM(t.unmatched_tao) AS rao_int) AS unmatched_tao
FROM miners m
CROSS JOIN trades t
WHERE t.miner_id = m.miner_id AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END IN (0, 1)
  AND t.event_key > CAST(@after_key AS event_key_text) AND t.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = CAST(@netuid AS netuid_int))
GROUP BY t.miner_id
ORDER BY t.miner_id;

-- What each miner's closes between two keys sum up to, on one subnet or all.
-- name: PeriodCloses :many
SELECT t.miner_id, CAST(COUNT(*) AS BIGINT) AS closes, CAST(SUM(c.alpha) AS rao_int) AS alpha, CAST(SUM(c.tao) AS rao_int) AS tao,
  CAST(SUM(c.cost) AS rao_int) AS cost, CAST(SUM(c.raw_gain) AS rao_int) AS raw_gain, CAST(SUM(c.gain) AS rao_int) AS gain,
  CAST(SUM(c.min_blocks_met) AS BIGINT) AS counted_closes,
  CAST(SUM(CASE WHEN c.min_blocks_met = 1 AND c.gain > 0 THEN 1 ELSE 0 END) AS BIGINT) AS wins
FROM miners m
CROSS JOIN trades t
CROSS JOIN closes c
WHERE t.miner_id = m.miner_id AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END IN (0, 1)
  AND t.event_key > CAST(@after_key AS event_key_text) AND t.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = CAST(@netuid AS netuid_int))
  AND c.trade_id = t.trade_id
GROUP BY t.miner_id
ORDER BY t.miner_id;

-- What each miner unstaked between two keys without any position, on one subnet or all.
-- name: PeriodUnmatched :many
SELECT e.miner_id, CAST(SUM(e.alpha) AS rao_int) AS alpha, CAST(SUM(e.tao) AS rao_int) AS tao
FROM miners m
CROSS JOIN events e
WHERE e.miner_id = m.miner_id AND e.outcome = 'ignored' AND e.reason = 'no_open_position'
  AND e.event_key > CAST(@after_key AS event_key_text) AND e.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR e.netuid = CAST(@netuid AS netuid_int))
GROUP BY e.miner_id
ORDER BY e.miner_id;

-- What came in and went out of a miner's positions on a subnet from a key until before another, and what it sold
-- there without a position.
-- name: AlphaMoved :one
SELECT CAST(COALESCE((
    SELECT SUM(p.entry_alpha) FROM positions p
    WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END IN (0, 1) AND p.netuid = CAST(@netuid AS netuid_int)
      AND p.event_key >= CAST(@from_key AS event_key_text) AND p.event_key < CAST(@before_key AS event_key_text)), 0) AS rao_int) AS entered,
  CAST(COALESCE((
    SELECT SUM(t.exit_alpha - t.unmatched_alpha) FROM trades t
    WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END IN (0, 1) AND t.netuid = CAST(@netuid AS netuid_int)
      AND t.event_key >= CAST(@from_key AS event_key_text) AND t.event_key < CAST(@before_key AS event_key_text)), 0) AS rao_int) AS closed,
  CAST(COALESCE((
    SELECT SUM(t.unmatched_alpha) FROM trades t
    WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END IN (0, 1) AND t.netuid = CAST(@netuid AS netuid_int)
      AND t.event_key >= CAST(@from_key AS event_key_text) AND t.event_key < CAST(@before_key AS event_key_text)), 0) + COALESCE((
    SELECT SUM(e.alpha) FROM events e
    WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.netuid = CAST(@netuid AS netuid_int) AND e.outcome = 'ignored' AND e.reason = 'no_open_position'
      AND e.event_key >= CAST(@from_key AS event_key_text) AND e.event_key < CAST(@before_key AS event_key_text)), 0) AS rao_int) AS unmatched;
