-- Rows of an export file as calls of the store; fault is the first faulty column of a row that cannot be a call.
-- `lines` holds the documented columns, `line`, and `read_at`, the time of reading (UTC). day is NULL for a row with a
-- fault. `line` is the line number only if the file was numbered before. nth is then the line number of a call with an
-- ID, because the last of several rows with the same ID applies; otherwise it is 0.
WITH lines AS (
    {{lines}}
),
texts AS (
    SELECT
        * REPLACE (
            lower(text_of(direction)) AS direction,
            text_of(destination) AS destination,
            text_of(callerid) AS callerid,
            text_of(number_alias) AS number_alias,
            text_of(destination_name) AS destination_name,
            text_of(line_information) AS line_information,
            text_of(result) AS result,
            text_of(customer_ip) AS customer_ip
        ),
        text_of(callerid_country) AS caller_id_country,
        text_of(call_fail_reason) AS sip_reason,
        text_of(custom_x_tag) AS x_tag,
        text_of(sip_callid) AS sip_call_id,
        text_of(cdr_id) AS id
    FROM lines
),
parsed AS (
    SELECT
        *,
        utc_of(start_time) AS started_at,
        utc_of(end_time) AS ended_at,
        number_of(destination) AS dialed,
        number_of(callerid) AS caller_id,
        whole_of(call_fail_sip_code) AS status,
        whole_of(duration) AS duration_s,
        whole_of(billed_duration) AS billed_s,
        whole_of(first_increment) AS first_increment_s,
        whole_of(subsequent_increment) AS next_increment_s,
        usd_of(rate) AS rate_usd_per_min,
        usd_of(cost_subtotal) AS subtotal_usd,
        usd_of(connect_fee) AS connect_fee_usd,
        usd_of(usf_fee) AS usf_fee_usd,
        usd_of(ccrf) AS ccrf_usd,
        usd_of(cnam_lookup_fee) AS cnam_fee_usd,
        usd_of(total_cost) AS cost_usd,
        strpos(customer_ip, ':') AS colon,
        is_plain_pair(customer_ip) AS plain
    FROM texts
),
-- A separate step, because DuckDB plans and evaluates an expression twice if one step uses it twice.
customers AS (
    SELECT *, CASE WHEN NOT plain THEN address_of(customer_ip) END AS customer FROM parsed
),
addressed AS (
    SELECT
        * REPLACE (dialed AS destination),
        CASE WHEN plain THEN left(customer_ip, colon - 1) ELSE customer.ip END AS address,
        CASE WHEN plain THEN try_cast(substr(customer_ip, colon + 1) AS INTEGER) ELSE port_of(customer.port) END
            AS source_port
    FROM customers
),
judged AS (
    SELECT
        *,
        try_cast(nullif(status, 0) AS SMALLINT) AS sip_status,
        coalesce(address, lower(customer_ip)) AS source_ip,
        CASE
            -- Most rows have no fault, and this test is cheaper than the following ones.
            WHEN direction IN ('outbound', 'inbound')
                AND started_at BETWEEN '2000-01-01' AND read_at + INTERVAL 1 DAY
                AND ended_at BETWEEN '2000-01-01' AND read_at + INTERVAL 10 DAY
                AND (status BETWEEN 100 AND 699 OR status = 0)
                AND duration_s + billed_s + first_increment_s + next_increment_s IS NOT NULL
                AND plain
                AND cost_usd IS NOT NULL AND rate_usd_per_min IS NOT NULL AND subtotal_usd IS NOT NULL
                AND connect_fee_usd IS NOT NULL AND usf_fee_usd IS NOT NULL AND ccrf_usd IS NOT NULL
                AND cnam_fee_usd IS NOT NULL
            THEN NULL
            WHEN direction NOT IN ('outbound', 'inbound') THEN 'direction'
            WHEN started_at IS NULL OR started_at < '2000-01-01' OR started_at > read_at + INTERVAL 1 DAY THEN 'start_time'
            WHEN unread(end_time, ended_at) OR ended_at < '2000-01-01' OR ended_at > read_at + INTERVAL 10 DAY
            THEN 'end_time'
            WHEN unread(call_fail_sip_code, status) OR (status <> 0 AND status NOT BETWEEN 100 AND 699)
            THEN 'call_fail_sip_code'
            WHEN unread(duration, duration_s) THEN 'duration'
            WHEN unread(billed_duration, billed_s) THEN 'billed_duration'
            WHEN unread(first_increment, first_increment_s) THEN 'first_increment'
            WHEN unread(subsequent_increment, next_increment_s) THEN 'subsequent_increment'
            WHEN address IS NULL AND direction = 'outbound' AND customer_ip <> '' THEN 'customer_ip'
            WHEN source_port IS NULL AND direction = 'outbound' AND customer.port <> '' THEN 'customer_ip'
            WHEN unread(total_cost, cost_usd) THEN 'total_cost'
            WHEN unread(rate, rate_usd_per_min) THEN 'rate'
            WHEN unread(cost_subtotal, subtotal_usd) THEN 'cost_subtotal'
            WHEN unread(connect_fee, connect_fee_usd) THEN 'connect_fee'
            WHEN unread(usf_fee, usf_fee_usd) THEN 'usf_fee'
            WHEN unread(ccrf, ccrf_usd) THEN 'ccrf'
            WHEN unread(cnam_lookup_fee, cnam_fee_usd) THEN 'cnam_lookup_fee'
        END AS fault
    FROM addressed
)
SELECT
    {{columns}},
    {{outcome}} AS outcome,
    sip_call_id,
    id,
    {{row_hash}} AS row_hash,
    {{place}} AS nth,
    {{also}}
    CASE WHEN fault IS NULL THEN started_at::DATE END AS day
FROM judged
