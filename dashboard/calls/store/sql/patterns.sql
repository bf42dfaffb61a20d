-- Outbound calls of the sources in `wanted` by hour of the day (UTC) and destination zone, apart for each segment.
SELECT
    direction,
    source_ip,
    x_tag,
    number,
    outcome,
    zone,
    hour(first_at)::BIGINT AS hour,
    sum(calls)::BIGINT AS calls,
    min(first_at) AS first_at,
    max(last_at) AS last_at
FROM (
    SELECT {{rolled_keys}}, zone, {{rolled_sums}}, segment FROM {{traffic}} JOIN spans USING (hour_at)
    UNION ALL
    SELECT {{rolled_keys}}, zone, {{rolled_sums}}, segment FROM rolled
)
SEMI JOIN wanted USING (source_ip)
WHERE direction = 'outbound'
GROUP BY direction, source_ip, x_tag, number, outcome, zone, hour(first_at), segment
ORDER BY ALL
