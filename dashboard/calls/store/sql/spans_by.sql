-- Start and end of the calls that start at $begun or later and that start or are in progress in [$since, $until), in
-- whole seconds from $since, by source address ($by = 'source_ip') or destination zone; input for counting peaks. A
-- call is in progress as defined in load.sql.
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
