-- Sources and destination zones of the outbound calls of the hours in [$since, $until): start of the first call (UTC),
-- number of calls, cost in USD. kind is 'source' or 'zone'; calls without a source or zone are omitted from that kind.
SELECT
    CASE WHEN grouping(source_ip) = 0 THEN 'source' ELSE 'zone' END AS kind,
    coalesce(source_ip, zone) AS value,
    min(first_at) AS first_at,
    sum(calls)::BIGINT AS calls,
    sum(cost_usd)::DECIMAL(18, 8) AS cost_usd
FROM {{traffic}}
WHERE hour_at >= $since AND hour_at < $until AND direction = 'outbound'
GROUP BY GROUPING SETS ((source_ip), (zone))
HAVING coalesce(source_ip, zone) <> ''
ORDER BY kind, first_at, value
