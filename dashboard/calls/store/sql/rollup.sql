-- Roll-up (`traffic`) of the calls that start in [$since, $until); only of the hours $hours, unless that is NULL.
-- No row straddles an instant of $cuts. calls, short_calls: numbers of all calls and of answered ones shorter
-- than SHORT_S; duration_s, billed_s: seconds; cost_usd: USD; first_at, last_at: first and last start. Times are UTC.
WITH numbered AS (
    SELECT *, {{number}} AS number
    FROM {{calls}}
    WHERE started_at >= $since AND started_at < $until
        AND ($hours IS NULL OR list_contains($hours::TIMESTAMP[], date_trunc('hour', started_at)))
)
SELECT
    date_trunc('hour', started_at) AS hour_at,
    direction,
    source_ip,
    x_tag,
    number,
    outcome,
    sip_status,
    sip_reason,
    destination_name AS zone,
    count(*) AS calls,
    count(*) FILTER (outcome = 'answered' AND duration_s < {{short_s}}) AS short_calls,
    coalesce(sum(duration_s), 0)::BIGINT AS duration_s,
    coalesce(sum(billed_s), 0)::BIGINT AS billed_s,
    coalesce(sum(cost_usd), 0)::DECIMAL(18, 8) AS cost_usd,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM numbered
GROUP BY
    date_trunc('hour', started_at), direction, source_ip, x_tag, number, outcome, sip_status, sip_reason,
    destination_name, len(list_filter($cuts::TIMESTAMP[], lambda cut: cut <= started_at))
