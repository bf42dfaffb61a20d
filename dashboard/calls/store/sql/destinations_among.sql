-- Numbers dialed by the calls that start in [$since, $until) and that the rows of the roll-up in `among` count (matched
-- as in calls_among.sql), costliest first, at most $limit (NULL: all). zone is the destination name of the number's
-- last call; talk time in seconds, cost in USD, last_at the start of the last call (UTC).
WITH by_zone AS (
    SELECT
        destination,
        destination_name,
        count(*) AS calls,
        coalesce(sum(duration_s), 0)::BIGINT AS duration_s,
        coalesce(sum(cost_usd), 0)::DECIMAL(18, 8) AS cost_usd,
        max(started_at) AS last_at
    FROM (SELECT *, {{number}} AS our_number FROM {{calls}}) AS call
    SEMI JOIN among ON call.started_at BETWEEN among.first_at AND among.last_at
        AND among.direction = call.direction
        AND among.source_ip = call.source_ip
        AND among.x_tag = call.x_tag
        AND among.number = call.our_number
        AND among.outcome = call.outcome
        AND among.sip_status IS NOT DISTINCT FROM call.sip_status
        AND among.sip_reason = call.sip_reason
    WHERE started_at >= $since AND started_at < $until
    GROUP BY destination, destination_name
)
SELECT
    destination,
    arg_max(destination_name, (last_at, destination_name)) AS zone,
    sum(calls)::BIGINT AS calls,
    sum(duration_s)::BIGINT AS duration_s,
    sum(cost_usd)::DECIMAL(18, 8) AS cost_usd,
    max(last_at) AS last_at
FROM by_zone
GROUP BY destination
ORDER BY cost_usd DESC, calls DESC, destination
LIMIT $limit
