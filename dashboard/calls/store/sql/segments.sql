-- The roll-up from one instant at which something changed to the next: `spans` says of each hour where it lies.
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
