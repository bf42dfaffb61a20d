-- Numbers dialed by the outbound calls that start in [$since, $until), costliest first, at most $limit. zone is the
-- destination name of the number's last call; talk time in seconds, cost in USD, last_at the start of the last call
-- (UTC).
SELECT
    destination,
    any_value(destination_name ORDER BY started_at DESC) AS zone,
    count(*) AS calls,
    coalesce(sum(duration_s), 0)::BIGINT AS duration_s,
    coalesce(sum(cost_usd), 0)::DECIMAL(18, 8) AS cost_usd,
    max(started_at) AS last_at
FROM {{calls}}
WHERE started_at >= $since AND started_at < $until AND direction = 'outbound'
GROUP BY destination
ORDER BY cost_usd DESC, calls DESC, destination
LIMIT $limit
