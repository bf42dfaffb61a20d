-- Outbound calls in [$since, $until) by source address, outcome and SIP status.
SELECT
    source_ip,
    outcome,
    sip_status,
    sum(calls)::BIGINT AS calls,
    sum(short_calls)::BIGINT AS short_calls,
    sum(duration_s)::BIGINT AS duration_s,
    sum(cost_usd)::DECIMAL(18, 8) AS cost_usd
FROM {{traffic}}
WHERE hour_at >= $since AND hour_at < $until AND direction = 'outbound'
GROUP BY ALL
ORDER BY ALL
