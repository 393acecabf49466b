-- What each miner gained on each UTC day of a span: the whole gain of a position on the day it was closed.
-- 86400000000 is a day in microseconds.
-- name: DailyGains :many
SELECT d.miner_id, d.day, CAST(SUM(d.gain) AS rao_int) AS gain
FROM (
  SELECT p.miner_id, CAST(p.closed_at / 86400000000 AS BIGINT) AS day, p.gain
  FROM miners m
  CROSS JOIN positions p
  WHERE p.miner_id = m.miner_id AND CASE WHEN p.archive_run IS NULL THEN 0 ELSE 1 END IN (0, 1)
    AND p.closed_at BETWEEN CAST(@from AS time_int) AND CAST(@until AS time_int)
) d
GROUP BY d.miner_id, d.day
ORDER BY d.miner_id, d.day;
