-- The calls that start or run in [$since, $until), in seconds from $since. A call is in progress in
-- [start_s, done_s) if it was answered, so the parts given must reach back to calls that began before.
SELECT
    direction = 'inbound' AS is_inbound,
    (epoch_us(started_at) - epoch_us($since::TIMESTAMP)) // 1000000 AS start_s,
    (epoch_us(CASE
        WHEN outcome = 'answered' THEN coalesce(ended_at, started_at + to_seconds(duration_s), started_at) ELSE started_at
    END) - epoch_us($since::TIMESTAMP)) // 1000000 AS done_s
FROM {{calls}}
WHERE started_at < $until
    AND (started_at >= $since
        OR outcome = 'answered' AND coalesce(ended_at, started_at + to_seconds(duration_s)) > $since)
