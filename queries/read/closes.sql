-- name: ClosesOfTrade :many
SELECT * FROM closes
WHERE trade_id = CAST(@trade_id AS BIGINT) AND step > @after_step
ORDER BY step
LIMIT CAST(@page_size AS BIGINT);

-- name: ClosesOfPosition :many
SELECT * FROM closes
WHERE position_id = CAST(@position_id AS BIGINT) AND event_key > CAST(@after_key AS event_key_text)
ORDER BY event_key
LIMIT CAST(@page_size AS BIGINT);

-- The closes of a list of trades, a JSON array.
-- name: ClosesOfTrades :many
SELECT * FROM closes c
WHERE c.trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j)
ORDER BY c.trade_id, c.step;

-- The closes of a miner's trades in order, those between two keys, of live or of archived trades, each with what
-- it closed.
-- name: Closes :many
SELECT c.trade_id, c.step, c.position_id, c.miner_id, c.event_key, t.netuid, t.hotkey, t.extrinsic_id, t.event_index, t.exit_block, t.exit_time,
  p.entry_block, p.entry_time, c.alpha, c.tao, c.cost, c.raw_gain, c.gain, c.duration_us, c.min_blocks_met, c.self_trade, t.archive_run
FROM trades t
CROSS JOIN closes c
CROSS JOIN positions p
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND t.event_key >= CAST(@after_key AS event_key_text) AND t.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = CAST(@netuid AS netuid_int))
  AND c.trade_id = t.trade_id AND (t.event_key > CAST(@after_key AS event_key_text) OR c.step > CAST(@after_step AS BIGINT))
  AND p.position_id = c.position_id
ORDER BY t.event_key, c.step
LIMIT CAST(@page_size AS BIGINT);

-- The same, the newest first.
-- name: ClosesDown :many
SELECT c.trade_id, c.step, c.position_id, c.miner_id, c.event_key, t.netuid, t.hotkey, t.extrinsic_id, t.event_index, t.exit_block, t.exit_time,
  p.entry_block, p.entry_time, c.alpha, c.tao, c.cost, c.raw_gain, c.gain, c.duration_us, c.min_blocks_met, c.self_trade, t.archive_run
FROM trades t
CROSS JOIN closes c
CROSS JOIN positions p
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND t.event_key > CAST(@after_key AS event_key_text) AND t.event_key <= CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = CAST(@netuid AS netuid_int))
  AND c.trade_id = t.trade_id AND (t.event_key < CAST(@before_key AS event_key_text) OR c.step < CAST(@before_step AS BIGINT))
  AND p.position_id = c.position_id
ORDER BY t.event_key DESC, c.step DESC
LIMIT CAST(@page_size AS BIGINT);

-- What the closes of each trade of a list, a JSON array, sum up to.
-- name: SumsOfTrades :many
SELECT c.trade_id, CAST(COUNT(*) AS BIGINT) AS closes, CAST(SUM(c.alpha) AS rao_int) AS alpha, CAST(SUM(c.cost) AS rao_int) AS cost,
  CAST(SUM(c.raw_gain) AS rao_int) AS raw_gain, CAST(SUM(c.gain) AS rao_int) AS gain
FROM closes c
WHERE c.trade_id IN (SELECT j.value FROM json_each(CAST(@trade_ids AS TEXT)) j)
GROUP BY c.trade_id
ORDER BY c.trade_id;

-- The same as Closes, in order, as lots for accounts: with what the whole position cost and the whole trade brought,
-- in TAO and, where it is known, in dollars.
-- name: Lots :many
SELECT c.trade_id, c.step, c.position_id, c.miner_id, c.event_key, t.netuid, p.entry_time, t.exit_time, p.extrinsic_id AS entry_extrinsic_id,
  t.extrinsic_id AS exit_extrinsic_id, c.alpha, c.cost, c.tao, c.raw_gain, c.duration_us, c.self_trade, p.entry_tao, t.exit_tao,
  pe.usd AS entry_usd, te.usd AS exit_usd, t.archive_run
FROM trades t
CROSS JOIN closes c
CROSS JOIN positions p
CROSS JOIN events pe
CROSS JOIN events te
WHERE t.miner_id = CAST(@miner_id AS BIGINT) AND CASE WHEN t.archive_run IS NULL THEN 0 ELSE 1 END = CASE WHEN CAST(@archived AS BIGINT) = 1 THEN 1 ELSE 0 END
  AND t.event_key >= CAST(@after_key AS event_key_text) AND t.event_key < CAST(@before_key AS event_key_text)
  AND (CAST(@any_netuid AS BIGINT) = 1 OR t.netuid = CAST(@netuid AS netuid_int))
  AND c.trade_id = t.trade_id AND (t.event_key > CAST(@after_key AS event_key_text) OR c.step > CAST(@after_step AS BIGINT))
  AND p.position_id = c.position_id AND pe.event_id = c.position_id AND te.event_id = t.trade_id
ORDER BY t.event_key, c.step
LIMIT CAST(@page_size AS BIGINT);
