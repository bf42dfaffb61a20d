-- Outbound calls by hour and by whose they are: `owners` numbers who that is for each key of the roll-up.
SELECT
    hour_at,
    owner,
    outcome,
    sip_status,
    sip_reason,
    zone,
    sum(calls)::BIGINT AS calls,
    sum(short_calls)::BIGINT AS short_calls,
    sum(duration_s)::BIGINT AS duration_s,
    (sum(cost_usd) * 100000000)::BIGINT AS cost_units
FROM (
    SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}}, segment FROM {{traffic}} JOIN spans USING (hour_at)
    UNION ALL
    SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}}, segment FROM rolled
) JOIN owners USING (source_ip, x_tag, number, segment)
WHERE direction = 'outbound'
GROUP BY ALL
ORDER BY hour_at
