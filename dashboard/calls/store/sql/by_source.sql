-- Outbound calls of the hours in [$since, $until) by source address, outcome and SIP status, from the roll-up: number
-- of calls and of short calls, talk time in seconds, cost in USD. $since and $until are whole hours, UTC.
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
