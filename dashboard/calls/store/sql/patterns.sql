-- Outbound calls of the sources in `wanted` by source address, X-Tag, number, outcome, destination zone and hour of the
-- day (UTC, 0 to 23), with separate rows for each segment: number of calls, first and last start (UTC).
-- `spans` and `rolled` as in segments.sql.
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
