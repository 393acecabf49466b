-- Everything in the order of its ids, a span of them at a time. What SQL can tell of a row by itself is one flag, so
-- that few columns leave the database.

-- name: LastEventID :one
SELECT CAST(COALESCE(MAX(event_id), 0) AS BIGINT) AS event_id FROM events;

-- The first event after an id, 0 where there is none.
-- name: NextEventID :one
SELECT CAST(COALESCE(MIN(event_id), 0) AS BIGINT) AS event_id FROM events WHERE event_id > CAST(@after AS BIGINT);

-- How many events there are to have an effect: stakes, or all others, of whatever kind they say they are.
-- name: AppliedEvents :one
SELECT COUNT(*) FROM events e
WHERE e.event_id > CAST(@after AS BIGINT) AND e.event_id <= CAST(@until AS BIGINT)
  AND CASE WHEN e.kind = 'stake' THEN 1 ELSE 0 END = CAST(@stakes AS BIGINT) AND e.outcome = 'applied';

-- Stakes that have another effect than their outcome says. That a position is of a stake is seen from the other
-- side, where it is compared with its event.
-- name: WrongStakes :many
SELECT e.event_id, e.outcome, CAST(CASE WHEN p.position_id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS positions
FROM events e
LEFT JOIN positions p ON p.position_id = e.event_id
WHERE e.event_id > CAST(@after AS BIGINT) AND e.event_id <= CAST(@until AS BIGINT) AND e.kind = 'stake'
  AND (p.position_id IS NOT NULL) <> (e.outcome = 'applied')
ORDER BY e.event_id;

-- The same of all others.
-- name: WrongUnstakes :many
SELECT e.event_id, e.outcome, CAST(CASE WHEN t.trade_id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS trades
FROM events e
LEFT JOIN trades t ON t.trade_id = e.event_id
WHERE e.event_id > CAST(@after AS BIGINT) AND e.event_id <= CAST(@until AS BIGINT) AND e.kind <> 'stake'
  AND (t.trade_id IS NOT NULL) <> (e.outcome = 'applied')
ORDER BY e.event_id;

-- The events without an effect. unmatched: an unstake that found nothing to close.
-- name: IgnoredEvents :many
SELECT e.event_id, e.miner_id, e.extrinsic_id, e.event_index, e.event_key, e.block, e.time, e.tao, e.alpha,
  CAST(CASE WHEN e.reason = 'no_open_position' THEN 1 ELSE 0 END AS flag_int) AS unmatched
FROM events e
WHERE e.event_id > CAST(@after AS BIGINT) AND e.event_id <= CAST(@until AS BIGINT) AND e.outcome = 'ignored'
ORDER BY e.event_id;

-- The unstakes that were not covered, though they took whatever comes first.
-- name: UnmatchedToVerify :many
SELECT e.event_id, e.miner_id, e.netuid, e.event_key
FROM events e
WHERE e.event_id > CAST(@after AS BIGINT) AND e.event_id <= CAST(@until AS BIGINT) AND e.reason = 'no_open_position' AND e.position_ids IS NULL
UNION ALL
SELECT t.trade_id, e.miner_id, e.netuid, e.event_key
FROM trades t
CROSS JOIN events e
WHERE e.event_id = t.trade_id AND t.trade_id > CAST(@after AS BIGINT) AND t.trade_id <= CAST(@until AS BIGINT) AND t.unmatched_alpha > 0 AND e.position_ids IS NULL
  AND NOT EXISTS (SELECT 1 FROM closes c WHERE c.trade_id = t.trade_id AND c.self_trade = 1)
ORDER BY 1;

-- A miner's positions and uncovered unstakes in the order of its events. empty_key: of the trade that emptied the
-- position, ~ where none has; taken_key, taken_by and taken_step: of the first close whose trade took whatever came
-- first.
-- name: EventsInLine :many
SELECT e.event_id, e.netuid, e.event_key, CAST(CASE WHEN p.position_id IS NULL THEN 0 ELSE 1 END AS flag_int) AS is_stake,
  CAST(CASE WHEN p.remaining_alpha > 0 THEN '~' ELSE COALESCE((SELECT MAX(c.event_key) FROM closes c WHERE c.position_id = p.position_id), '') END AS event_key_text) AS empty_key,
  CAST(COALESCE(f.event_key, '') AS event_key_text) AS taken_key, CAST(COALESCE(f.trade_id, 0) AS BIGINT) AS taken_by, CAST(COALESCE(f.step, 0) AS BIGINT) AS taken_step
FROM events e
LEFT JOIN positions p ON p.position_id = e.event_id
LEFT JOIN closes f ON f.position_id = p.position_id AND f.event_key = (
  SELECT MIN(c.event_key) FROM closes c JOIN events x ON x.event_id = c.trade_id
  WHERE c.position_id = p.position_id AND c.self_trade = 0 AND x.position_ids IS NULL)
LEFT JOIN trades t ON t.trade_id = e.event_id
WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.event_key > CAST(@after_key AS event_key_text)
  AND (p.position_id IS NOT NULL OR e.position_ids IS NULL AND (e.reason = 'no_open_position' OR t.unmatched_alpha > 0
    AND NOT EXISTS (SELECT 1 FROM closes c WHERE c.trade_id = t.trade_id AND c.self_trade = 1)))
ORDER BY e.event_key
LIMIT CAST(@page_size AS BIGINT);

-- name: PositionsToVerify :many
SELECT p.position_id, p.miner_id, p.netuid, p.extrinsic_id, p.event_index, p.event_key, p.entry_block, p.entry_time, p.entry_tao, p.entry_alpha,
  p.remaining_alpha, p.last_exit_time, p.gain, CAST(CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END AS flag_int) AS archived,
  CAST(CASE WHEN e.kind = 'stake' AND e.outcome = 'applied' AND e.miner_id = p.miner_id AND e.netuid = p.netuid AND e.hotkey = p.hotkey
    AND e.extrinsic_id = p.extrinsic_id AND e.event_index = p.event_index AND e.event_key = p.event_key AND e.block = p.entry_block AND e.time = p.entry_time
    AND e.tao = p.entry_tao AND e.alpha = p.entry_alpha
    AND p.status = CASE p.remaining_alpha WHEN 0 THEN 'closed' WHEN p.entry_alpha THEN 'open' ELSE 'partial' END
    AND (p.closed_at IS NOT NULL) = (p.remaining_alpha = 0) AND (p.closed_at IS NULL OR p.closed_at = p.last_exit_time)
    THEN 1 ELSE 0 END AS flag_int) AS whole
FROM positions p
LEFT JOIN events e ON e.event_id = p.position_id
WHERE p.position_id > CAST(@after AS BIGINT) AND p.position_id <= CAST(@until AS BIGINT)
ORDER BY p.position_id;

-- The closes of positions, with what their trade's event says. ruled: the close follows the rules for its
-- duration, the minimum of blocks and self-trades, and joins what may be joined. chosen: its trade did not take
-- whatever came first, but what its extrinsic opened or its list names.
-- name: ClosesToVerify :many
SELECT c.position_id, c.trade_id, c.step, c.event_key, c.alpha, c.tao, c.cost, c.gain, c.duration_us, c.min_blocks_met, CAST(COALESCE(e.time, 0) AS time_int) AS exit_time,
  CAST(CASE WHEN c.self_trade = 1 OR e.position_ids IS NOT NULL THEN 1 ELSE 0 END AS flag_int) AS chosen,
  CAST(CASE WHEN c.raw_gain = c.tao - c.cost AND c.miner_id = o.miner_id AND e.miner_id = o.miner_id AND e.netuid = o.netuid
    AND e.kind = 'unstake' AND c.event_key = e.event_key AND o.event_key < e.event_key
    AND (e.position_ids IS NULL OR c.position_id IN (SELECT j.value FROM json_each(e.position_ids) j))
    AND c.self_trade = CASE WHEN e.extrinsic_id = o.extrinsic_id THEN 1 ELSE 0 END
    AND CASE WHEN c.self_trade = 1 THEN c.duration_us = 0 AND c.min_blocks_met = 1 AND c.gain = CASE
        WHEN e.self_trade = 'zero' THEN 0 WHEN c.raw_gain > 1000000 THEN 100000 WHEN c.raw_gain < -1000000 THEN -100000 ELSE c.raw_gain END
      ELSE c.duration_us = e.time - o.time AND c.gain = c.min_blocks_met * c.raw_gain
        AND c.min_blocks_met = CASE WHEN e.min_blocks = 0 OR e.block = 0 OR o.block = 0 OR e.block - o.block >= e.min_blocks THEN 1 ELSE 0 END END
    THEN 1 ELSE 0 END AS flag_int) AS ruled
FROM closes c
LEFT JOIN events e ON e.event_id = c.trade_id
LEFT JOIN events o ON o.event_id = c.position_id
WHERE c.position_id > CAST(@after AS BIGINT) AND c.position_id <= CAST(@until AS BIGINT)
ORDER BY c.position_id, c.event_key;

-- name: TradesToVerify :many
SELECT t.trade_id, t.miner_id, t.netuid, t.extrinsic_id, t.event_index, t.event_key, t.exit_block, t.exit_time, t.exit_tao, t.exit_alpha, t.unmatched_alpha, t.unmatched_tao,
  CAST(CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END AS flag_int) AS archived,
  CAST(CASE WHEN e.kind = 'unstake' AND e.outcome = 'applied' AND e.miner_id = t.miner_id AND e.netuid = t.netuid AND e.hotkey = t.hotkey
    AND e.extrinsic_id = t.extrinsic_id AND e.event_index = t.event_index AND e.event_key = t.event_key AND e.block = t.exit_block AND e.time = t.exit_time
    AND e.tao = t.exit_tao AND e.alpha = t.exit_alpha THEN 1 ELSE 0 END AS flag_int) AS whole
FROM trades t
LEFT JOIN events e ON e.event_id = t.trade_id
WHERE t.trade_id > CAST(@after AS BIGINT) AND t.trade_id <= CAST(@until AS BIGINT)
ORDER BY t.trade_id;

-- What trades were shared into, and where what they closed stands in the order of events.
-- name: SharesToVerify :many
SELECT c.trade_id, c.step, c.position_id, c.alpha, c.tao, c.self_trade, CAST(COALESCE(p.event_key, '') AS event_key_text) AS position_key,
  CAST(CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END AS flag_int) AS archived
FROM closes c
LEFT JOIN positions p ON p.position_id = c.position_id
WHERE c.trade_id > CAST(@after AS BIGINT) AND c.trade_id <= CAST(@until AS BIGINT)
ORDER BY c.trade_id, c.step;

-- The key of the latest event of a miner before a key that was handled: applied, or unmatched for want of a position.
-- name: LatestKey :one
SELECT e.event_key FROM events e
WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.event_key < CAST(@before_key AS event_key_text) AND (e.outcome = 'applied' OR e.reason = 'no_open_position')
ORDER BY e.event_key DESC
LIMIT 1;

-- name: LastActive :one
SELECT e.time FROM events e
WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.event_key < CAST(@before_key AS event_key_text) AND e.outcome = 'applied'
ORDER BY e.event_key DESC
LIMIT 1;

-- name: BrokenForeignKeys :many
SELECT f."table", CAST(COALESCE(f.rowid, 0) AS BIGINT) AS row_id, f.parent, f.fkid
FROM pragma_foreign_key_check f
ORDER BY f."table", f.rowid;

-- name: IntegrityCheck :many
SELECT i.integrity_check FROM pragma_integrity_check i
ORDER BY i.integrity_check;
