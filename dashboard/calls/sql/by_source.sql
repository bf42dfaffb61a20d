-- What each source address did.
SELECT
    source_ip,
    sum(calls)::BIGINT AS calls,
    coalesce(sum(calls) FILTER (outcome = 'answered'), 0)::BIGINT AS answered,
    coalesce(sum(calls) FILTER (outcome = 'refused_auth'), 0)::BIGINT AS refused,
    sum(duration_s)::BIGINT AS duration_s,
    sum(cost_usd)::DECIMAL(18, 8) AS cost_usd,
    min(first_at) AS first_at,
    max(last_at) AS last_at
FROM {{traffic}}
WHERE hour_at >= $since AND hour_at < $until AND ($direction = '' OR direction = $direction)
GROUP BY source_ip
ORDER BY calls DESC, source_ip
