-- Roll-up by segment (interval between two cuts) instead of by hour: hour_at is the hour of the first call, UTC, and
-- zone is ''. Durations in seconds, cost in USD. If $with_hours, `hours` lists the hours and zones that each row adds up,
-- cost in units of 1e-8 USD; otherwise it is NULL.
-- `spans`: the whole hours to read from the stored roll-up, each with its segment (number of the interval between two
-- cuts). `rolled`: rows of the roll-up for the other hours, with their segment.
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
    max(last_at) AS last_at,
    segment,
    list({
        'hour_at': hour_at,
        'zone': zone,
        'calls': calls,
        'short_calls': short_calls,
        'duration_s': duration_s,
        'cost_units': (cost_usd::DECIMAL(38, 8) * 100000000)::BIGINT
    }) FILTER ($with_hours) AS hours
FROM (
    SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}}, segment FROM {{traffic}} JOIN spans USING (hour_at)
    UNION ALL
    SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}}, segment FROM rolled
)
GROUP BY {{rolled_keys}}, segment
