-- Outbound calls by hour, owner, outcome, SIP status, SIP reason and destination zone: number of calls and of short
-- calls, talk time in seconds, cost in units of 1e-8 USD.
-- `spans`: the whole hours to read from the stored roll-up, each with its segment (number of the interval between two
-- cuts). `rolled`: rows of the roll-up for the other hours, with their segment. `owners`: number of the owner by key
-- of the roll-up and segment; calls without an owner are omitted.
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
