-- Calls by weekday (1 is Monday) and hour (UTC).
SELECT
    isodow(hour_at)::BIGINT AS weekday,
    hour(hour_at)::BIGINT AS hour,
    sum(calls)::BIGINT AS calls,
    coalesce(sum(calls) FILTER (outcome = 'refused_auth'), 0)::BIGINT AS refused,
    sum(cost_usd)::DECIMAL(18, 8) AS cost_usd
FROM {{traffic}}
WHERE hour_at >= $since AND hour_at < $until AND ($direction = '' OR direction = $direction)
GROUP BY ALL
ORDER BY weekday, hour
