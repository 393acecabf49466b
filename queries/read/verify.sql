-- Everything in the order of its ids, a span of them at a time, live and archived rows merged. What SQL can
-- tell of a row by itself is one flag, so that few columns leave the database.

-- name: LastEventID :one
SELECT CAST(COALESCE(MAX(event_id), 0) AS BIGINT) AS event_id FROM events;

-- How many events there are to have an effect: stakes, or all others, of whatever kind they say they are.
-- name: AppliedEvents :one
SELECT COUNT(*) FROM events e
WHERE e.event_id > CAST(@after AS BIGINT) AND e.event_id <= CAST(@until AS BIGINT) AND (e.kind = 'stake') = CAST(@stakes AS flag_int) AND e.outcome = 'applied';

-- Stakes that have another effect than their outcome says. That a position is of a stake is seen from the other
-- side, where it is compared with its event.
-- name: StakesAmiss :many
SELECT e.event_id, e.outcome, CAST((p.position_id IS NOT NULL) + (ap.position_id IS NOT NULL) AS BIGINT) AS positions
FROM events e
LEFT JOIN positions p ON p.position_id = e.event_id
LEFT JOIN archived_positions ap ON ap.position_id = e.event_id AND p.position_id IS NULL
WHERE e.event_id > CAST(@after AS BIGINT) AND e.event_id <= CAST(@until AS BIGINT) AND e.kind = 'stake'
  AND (p.position_id IS NOT NULL OR ap.position_id IS NOT NULL) <> (e.outcome = 'applied')
ORDER BY e.event_id;

-- The same of all others.
-- name: UnstakesAmiss :many
SELECT e.event_id, e.outcome, CAST((t.trade_id IS NOT NULL) + (at.trade_id IS NOT NULL) AS BIGINT) AS trades
FROM events e
LEFT JOIN trades t ON t.trade_id = e.event_id
LEFT JOIN archived_trades at ON at.trade_id = e.event_id AND t.trade_id IS NULL
WHERE e.event_id > CAST(@after AS BIGINT) AND e.event_id <= CAST(@until AS BIGINT) AND e.kind <> 'stake'
  AND (t.trade_id IS NOT NULL OR at.trade_id IS NOT NULL) <> (e.outcome = 'applied')
ORDER BY e.event_id;

-- Unstakes that found nothing to close count as unmatched. left: there is still open what they could have closed,
-- among the first hundred that are: a miner may have thousands that all came later.
-- name: UnmatchedEvents :many
SELECT e.event_id, e.miner_id, e.netuid, e.time, e.tao, e.alpha,
  CAST(e.position_ids IS NULL AND EXISTS (SELECT 1 FROM (
      SELECT o.position_id FROM positions o
      WHERE o.miner_id = e.miner_id AND o.netuid = e.netuid AND o.remaining_alpha > 0 AND o.entry_time < e.time
      ORDER BY o.entry_time, o.entry_block, o.position_id LIMIT 100) f
    WHERE f.position_id < e.event_id) AS flag_int) AS "left"
FROM events e
WHERE e.event_id > CAST(@after AS BIGINT) AND e.event_id <= CAST(@until AS BIGINT) AND e.reason = 'no_open_position'
ORDER BY e.event_id;

-- The first position of a miner on a subnet that is open still, of those that an event could have closed.
-- name: OpenBefore :one
SELECT p.position_id FROM positions p
WHERE p.miner_id = CAST(@miner_id AS BIGINT) AND p.netuid = CAST(@netuid AS netuid_int) AND p.remaining_alpha > 0
  AND p.entry_time < CAST(@before AS time_int) AND p.position_id < CAST(@event_id AS BIGINT)
ORDER BY p.entry_time, p.entry_block, p.position_id
LIMIT 1;

-- name: PositionsToVerify :many
SELECT p.position_id, p.miner_id, p.netuid, p.entry_block, p.entry_time, p.entry_tao, p.entry_alpha, p.remaining_alpha, p.last_exit_time, p.gain,
  CAST(0 AS flag_int) AS archived,
  CAST(COALESCE(e.kind = 'stake' AND e.outcome = 'applied' AND e.miner_id = p.miner_id AND e.netuid = p.netuid AND e.hotkey = p.hotkey
    AND e.extrinsic_id = p.extrinsic_id AND e.event_index = p.event_index AND e.block = p.entry_block AND e.time = p.entry_time
    AND e.tao = p.entry_tao AND e.alpha = p.entry_alpha
    AND p.status = CASE p.remaining_alpha WHEN 0 THEN 'closed' WHEN p.entry_alpha THEN 'open' ELSE 'partial' END
    AND p.closed_at IS CASE p.remaining_alpha WHEN 0 THEN p.last_exit_time END, 0) AS flag_int) AS whole
FROM positions p
LEFT JOIN events e ON e.event_id = p.position_id
WHERE p.position_id > CAST(@after AS BIGINT) AND p.position_id <= CAST(@until AS BIGINT)
UNION ALL
SELECT p.position_id, p.miner_id, p.netuid, p.entry_block, p.entry_time, p.entry_tao, p.entry_alpha, p.remaining_alpha, p.last_exit_time, p.gain,
  CAST(1 AS flag_int) AS archived,
  CAST(COALESCE(e.kind = 'stake' AND e.outcome = 'applied' AND e.miner_id = p.miner_id AND e.netuid = p.netuid AND e.hotkey = p.hotkey
    AND e.extrinsic_id = p.extrinsic_id AND e.event_index = p.event_index AND e.block = p.entry_block AND e.time = p.entry_time
    AND e.tao = p.entry_tao AND e.alpha = p.entry_alpha
    AND p.status = 'closed' AND p.remaining_alpha = 0 AND p.closed_at IS p.last_exit_time, 0) AS flag_int) AS whole
FROM archived_positions p
LEFT JOIN events e ON e.event_id = p.position_id
WHERE p.position_id > CAST(@after AS BIGINT) AND p.position_id <= CAST(@until AS BIGINT)
ORDER BY position_id;

-- The closes of positions, with what their trade's event says. ruled: the close follows the rules for its
-- duration, the minimum of blocks and self-trades, and joins what may be joined. chosen: its trade did not take
-- whatever came first, but what its extrinsic opened or its list names.
-- name: ClosesToVerify :many
SELECT c.position_id, c.trade_id, c.step, c.alpha, c.tao, c.cost, c.gain, c.duration_us, c.min_blocks_met, CAST(COALESCE(e.time, 0) AS time_int) AS exit_time,
  CAST(c.self_trade = 1 OR e.position_ids IS NOT NULL AS flag_int) AS chosen,
  CAST(COALESCE(c.raw_gain = c.tao - c.cost AND c.miner_id = o.miner_id AND e.miner_id = o.miner_id AND e.netuid = o.netuid
    AND e.kind = 'unstake' AND o.time <= e.time
    AND (e.position_ids IS NULL OR c.position_id IN (SELECT j.value FROM json_each(e.position_ids) j)) AND c.self_trade = (e.extrinsic_id = o.extrinsic_id)
    AND CASE WHEN c.self_trade = 1 THEN c.duration_us = 0 AND c.min_blocks_met = 1 AND c.gain = CASE
        WHEN e.self_trade = 'zero' THEN 0 WHEN c.raw_gain > 1000000 THEN 100000 WHEN c.raw_gain < -1000000 THEN -100000 ELSE c.raw_gain END
      ELSE c.duration_us = e.time - o.time AND c.gain = c.min_blocks_met * c.raw_gain
        AND c.min_blocks_met = (e.min_blocks = 0 OR e.block = 0 OR o.block = 0 OR e.block - o.block >= e.min_blocks) END, 0) AS flag_int) AS ruled,
  CAST(0 AS flag_int) AS archived
FROM closes c
LEFT JOIN events e ON e.event_id = c.trade_id
LEFT JOIN events o ON o.event_id = c.position_id
WHERE c.position_id > CAST(@after AS BIGINT) AND c.position_id <= CAST(@until AS BIGINT)
UNION ALL
SELECT c.position_id, c.trade_id, c.step, c.alpha, c.tao, c.cost, c.gain, c.duration_us, c.min_blocks_met, CAST(COALESCE(e.time, 0) AS time_int) AS exit_time,
  CAST(c.self_trade = 1 OR e.position_ids IS NOT NULL AS flag_int) AS chosen,
  CAST(COALESCE(c.raw_gain = c.tao - c.cost AND c.miner_id = o.miner_id AND e.miner_id = o.miner_id AND e.netuid = o.netuid
    AND e.kind = 'unstake' AND o.time <= e.time
    AND (e.position_ids IS NULL OR c.position_id IN (SELECT j.value FROM json_each(e.position_ids) j)) AND c.self_trade = (e.extrinsic_id = o.extrinsic_id)
    AND CASE WHEN c.self_trade = 1 THEN c.duration_us = 0 AND c.min_blocks_met = 1 AND c.gain = CASE
        WHEN e.self_trade = 'zero' THEN 0 WHEN c.raw_gain > 1000000 THEN 100000 WHEN c.raw_gain < -1000000 THEN -100000 ELSE c.raw_gain END
      ELSE c.duration_us = e.time - o.time AND c.gain = c.min_blocks_met * c.raw_gain
        AND c.min_blocks_met = (e.min_blocks = 0 OR e.block = 0 OR o.block = 0 OR e.block - o.block >= e.min_blocks) END, 0) AS flag_int) AS ruled,
  CAST(1 AS flag_int) AS archived
FROM archived_closes c
LEFT JOIN events e ON e.event_id = c.trade_id
LEFT JOIN events o ON o.event_id = c.position_id
WHERE c.position_id > CAST(@after AS BIGINT) AND c.position_id <= CAST(@until AS BIGINT)
ORDER BY position_id, trade_id;

-- left: a trade that was not covered left open what it could have closed.
-- name: TradesToVerify :many
SELECT t.trade_id, t.miner_id, t.netuid, t.exit_time, t.exit_tao, t.exit_alpha, t.unmatched_alpha, t.unmatched_tao,
  CAST(t.unmatched_alpha > 0 AND e.position_ids IS NULL AND EXISTS (SELECT 1 FROM (
      SELECT o.position_id FROM positions o
      WHERE o.miner_id = t.miner_id AND o.netuid = t.netuid AND o.remaining_alpha > 0 AND o.entry_time < t.exit_time
      ORDER BY o.entry_time, o.entry_block, o.position_id LIMIT 100) f
    WHERE f.position_id < t.trade_id) AS flag_int) AS "left",
  CAST(0 AS flag_int) AS archived,
  CAST(COALESCE(e.kind = 'unstake' AND e.outcome = 'applied' AND e.miner_id = t.miner_id AND e.netuid = t.netuid AND e.hotkey = t.hotkey
    AND e.extrinsic_id = t.extrinsic_id AND e.event_index = t.event_index AND e.block = t.exit_block AND e.time = t.exit_time
    AND e.tao = t.exit_tao AND e.alpha = t.exit_alpha, 0) AS flag_int) AS whole
FROM trades t
LEFT JOIN events e ON e.event_id = t.trade_id
WHERE t.trade_id > CAST(@after AS BIGINT) AND t.trade_id <= CAST(@until AS BIGINT)
UNION ALL
SELECT t.trade_id, t.miner_id, t.netuid, t.exit_time, t.exit_tao, t.exit_alpha, t.unmatched_alpha, t.unmatched_tao,
  CAST(t.unmatched_alpha > 0 AND e.position_ids IS NULL AND EXISTS (SELECT 1 FROM (
      SELECT o.position_id FROM positions o
      WHERE o.miner_id = t.miner_id AND o.netuid = t.netuid AND o.remaining_alpha > 0 AND o.entry_time < t.exit_time
      ORDER BY o.entry_time, o.entry_block, o.position_id LIMIT 100) f
    WHERE f.position_id < t.trade_id) AS flag_int) AS "left",
  CAST(1 AS flag_int) AS archived,
  CAST(COALESCE(e.kind = 'unstake' AND e.outcome = 'applied' AND e.miner_id = t.miner_id AND e.netuid = t.netuid AND e.hotkey = t.hotkey
    AND e.extrinsic_id = t.extrinsic_id AND e.event_index = t.event_index AND e.block = t.exit_block AND e.time = t.exit_time
    AND e.tao = t.exit_tao AND e.alpha = t.exit_alpha, 0) AS flag_int) AS whole
FROM archived_trades t
LEFT JOIN events e ON e.event_id = t.trade_id
WHERE t.trade_id > CAST(@after AS BIGINT) AND t.trade_id <= CAST(@until AS BIGINT)
ORDER BY trade_id;

-- What trades were shared into, and when what they closed was opened.
-- name: SharesToVerify :many
SELECT c.trade_id, c.step, c.position_id, c.alpha, c.tao, c.self_trade,
  CAST(COALESCE(o.time, 0) AS time_int) AS entry_time, CAST(COALESCE(o.block, 0) AS BIGINT) AS entry_block, CAST(0 AS flag_int) AS archived
FROM closes c
LEFT JOIN events o ON o.event_id = c.position_id
WHERE c.trade_id > CAST(@after AS BIGINT) AND c.trade_id <= CAST(@until AS BIGINT)
UNION ALL
SELECT c.trade_id, c.step, c.position_id, c.alpha, c.tao, c.self_trade,
  CAST(COALESCE(o.time, 0) AS time_int) AS entry_time, CAST(COALESCE(o.block, 0) AS BIGINT) AS entry_block, CAST(1 AS flag_int) AS archived
FROM archived_closes c
LEFT JOIN events o ON o.event_id = c.position_id
WHERE c.trade_id > CAST(@after AS BIGINT) AND c.trade_id <= CAST(@until AS BIGINT)
ORDER BY trade_id, step;

-- The events of a miner that its row speaks of: the latest applied, or unmatched for want of a position.
-- name: LatestEvents :many
SELECT * FROM events e
WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND (e.outcome = 'applied' OR e.reason = 'no_open_position')
  AND (e.time, e.block) >= (
    SELECT l.time, l.block FROM events l
    WHERE l.miner_id = CAST(@miner_id AS BIGINT) AND (l.outcome = 'applied' OR l.reason = 'no_open_position')
    ORDER BY l.time DESC, l.block DESC LIMIT 1)
ORDER BY e.time, e.block, e.event_id;

-- name: LastActive :one
SELECT e.time FROM events e
WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.outcome = 'applied'
ORDER BY e.time DESC
LIMIT 1;

-- name: BrokenForeignKeys :many
SELECT f."table", CAST(COALESCE(f.rowid, 0) AS BIGINT) AS row_id, f.parent, f.fkid
FROM pragma_foreign_key_check f
ORDER BY f."table", f.rowid;

-- name: IntegrityCheck :many
SELECT i.integrity_check FROM pragma_integrity_check i
ORDER BY i.integrity_check;
