-- A miner's events after a key, and what became of them, as one text to compare at a glance. Ids and archiving do not
-- show in it. The key stands for the time and the extrinsic, and for the block unless it is 0; an unstake has a mode, and
-- what is not ignored is applied. What else there is to a result shows in the miner's counters or in these.
-- name: EventsAsText :one
SELECT CAST(COALESCE(MAX(d.event_key), '') AS event_key_text) AS last_key, CAST(COUNT(*) AS BIGINT) AS events,
  CAST(COALESCE(string_agg(d.line, '|'), '') AS TEXT) AS lines
FROM (
  SELECT e.event_key, format('%s%s %s%s %s %s %s%s%s %s %s %s', e.event_key, CASE WHEN e.block = 0 THEN '?' ELSE '' END, e.netuid, e.hotkey, e.tao, e.alpha,
    e.mode, e.min_blocks, e.self_trade, e.reason, p.remaining_alpha, p.gain) AS line
  FROM events e
  LEFT JOIN positions p ON p.position_id = e.event_id
  WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.event_key > CAST(@after_key AS event_key_text)
  ORDER BY e.event_key
  LIMIT CAST(@page_size AS BIGINT)
) d;

-- The same events, one text each, with the words that ledger.diffFields names in order.
-- name: EventTexts :many
SELECT e.event_key, e.extrinsic_id, e.event_index, CAST(e.kind || ' ' || e.netuid || ' ' || e.hotkey || ' ' || e.block || ' ' || e.time || ' ' || e.tao || ' ' || e.alpha
    || ' ' || COALESCE(e.mode || ' ' || e.min_blocks || ' ' || e.self_trade, '- - -') || ' ' || e.outcome || ' ' || COALESCE(e.reason, '-')
    || ' ' || COALESCE(p.remaining_alpha || ' ' || p.gain || ' ' || COALESCE(p.last_exit_time, 0), '- - -')
    || ' ' || COALESCE(t.unmatched_alpha || ' ' || t.unmatched_tao, '- -')
    || ' ' || CASE WHEN t.trade_id IS NULL THEN '-' ELSE (
      SELECT string_agg(o.event_key || ',' || c.alpha || ',' || c.tao || ',' || c.cost || ',' || c.gain || ',' || c.duration_us || ',' || c.min_blocks_met, ';')
      FROM closes c CROSS JOIN positions o WHERE c.trade_id = t.trade_id AND o.position_id = c.position_id) END AS TEXT) AS line
FROM events e
LEFT JOIN positions p ON p.position_id = e.event_id
LEFT JOIN trades t ON t.trade_id = e.event_id
WHERE e.miner_id = CAST(@miner_id AS BIGINT) AND e.event_key > CAST(@after_key AS event_key_text)
ORDER BY e.event_key
LIMIT CAST(@page_size AS BIGINT);
