-- Calls, seconds and cost by time and outcome; $bucket is 'hour' or 'day' (UTC).
SELECT
    date_trunc($bucket, hour_at) AS "at",
    outcome,
    sum(calls)::BIGINT AS calls,
    sum(duration_s)::BIGINT AS duration_s,
    sum(cost_usd)::DECIMAL(18, 8) AS cost_usd
FROM {{traffic}}
WHERE hour_at >= $since AND hour_at < $until AND ($direction = '' OR direction = $direction)
GROUP BY ALL
ORDER BY "at", outcome
