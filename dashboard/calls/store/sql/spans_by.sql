-- What of single calls bears on the peaks of each source address or destination zone: the calls from $begun on that
-- start or run in [$since, $until), in seconds from $since; in progress as in load.sql.
WITH told AS (
    SELECT
        CASE WHEN $by = 'source_ip' THEN source_ip ELSE destination_name END AS name,
        direction = 'inbound' AS is_inbound,
        started_at,
        {{done_at}} AS done_at
    FROM {{calls}}
    WHERE started_at >= $begun AND started_at < $until
)
SELECT
    name,
    is_inbound,
    (epoch_us(started_at) - epoch_us($since::TIMESTAMP)) // 1000000 AS start_s,
    (epoch_us(done_at) - epoch_us($since::TIMESTAMP)) // 1000000 AS done_s
FROM told
WHERE started_at >= $since OR done_at > $since
