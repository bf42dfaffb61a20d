-- The calls that start or run in [$since, $until), in seconds from $since. A call is in progress in
-- [start_s, done_s) if it was answered, to the end of the day after the one on which it began: so the parts given
-- must reach back a day, and no further.
WITH told AS (
    SELECT direction = 'inbound' AS is_inbound, started_at, {{done_at}} AS done_at FROM {{calls}}
)
SELECT
    is_inbound,
    (epoch_us(started_at) - epoch_us($since::TIMESTAMP)) // 1000000 AS start_s,
    (epoch_us(done_at) - epoch_us($since::TIMESTAMP)) // 1000000 AS done_s
FROM told
WHERE started_at < $until AND (started_at >= $since OR done_at > $since)
