-- Start and end of the calls that start or are in progress in [$since, $until), in whole seconds from $since.
-- An answered call is in progress in [start_s, done_s), at most to the end of the day (UTC) after the day of its start;
-- any other call has done_s = start_s. The parts must therefore include the day before $since; earlier days are not
-- needed.
WITH told AS (
    SELECT direction = 'inbound' AS is_inbound, started_at, {{done_at}} AS done_at FROM {{calls}}
)
SELECT
    is_inbound,
    (epoch_us(started_at) - epoch_us($since::TIMESTAMP)) // 1000000 AS start_s,
    (epoch_us(done_at) - epoch_us($since::TIMESTAMP)) // 1000000 AS done_s
FROM told
WHERE started_at < $until AND (started_at >= $since OR done_at > $since)
