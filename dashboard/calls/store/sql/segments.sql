-- Roll-up by segment (interval between two cuts) instead of by hour: hour_at is the hour of the first call, UTC, and
-- zone is ''. `spans` and `rolled` as in cube.sql. Durations in seconds, cost in USD.
SELECT
    date_trunc('hour', min(first_at)) AS hour_at,
    {{rolled_keys}},
    '' AS zone,
    sum(calls)::BIGINT AS calls,
    sum(short_calls)::BIGINT AS short_calls,
    sum(duration_s)::BIGINT AS duration_s,
    sum(billed_s)::BIGINT AS billed_s,
    sum(cost_usd)::DECIMAL(18, 8) AS cost_usd,
    min(first_at) AS first_at,
    max(last_at) AS last_at
FROM (
    SELECT {{rolled_keys}}, {{rolled_sums}}, segment FROM {{traffic}} JOIN spans USING (hour_at)
    UNION ALL
    SELECT {{rolled_keys}}, {{rolled_sums}}, segment FROM rolled
)
GROUP BY {{rolled_keys}}, segment
ORDER BY ALL
