-- The destination zones that cost most.
SELECT
    zone,
    sum(calls)::BIGINT AS calls,
    sum(duration_s)::BIGINT AS duration_s,
    sum(cost_usd)::DECIMAL(18, 8) AS cost_usd,
    max(last_at) AS last_at
FROM {{traffic}}
WHERE hour_at >= $since AND hour_at < $until AND direction = 'outbound'
GROUP BY zone
ORDER BY cost_usd DESC, calls DESC, zone
LIMIT $limit
