-- One export file as rows of the store, by column name, with what is wrong where a row cannot be one.
-- $path is plain UTF-8 text; $columns names its columns; a documented column it lacks is NULL.
-- A row with a fault has no day.
WITH lines AS (
    SELECT * FROM documented
    UNION ALL BY NAME
    SELECT * FROM read_csv(
        $path, columns = $columns, header = $header, auto_detect = false, strict_mode = true,
        delim = ',', quote = '"', escape = '"', compression = 'none', encoding = 'utf-8'
    )
),
texts AS (
    SELECT
        line,
        lower(text_of(direction)) AS direction,
        text_of(start_time) AS start_time,
        text_of(end_time) AS end_time,
        text_of(destination) AS destination,
        text_of(callerid) AS callerid,
        text_of(number_alias) AS number_alias,
        text_of(destination_name) AS destination_name,
        text_of(callerid_country) AS caller_id_country,
        text_of(line_information) AS line_information,
        text_of(result) AS result,
        text_of(call_fail_sip_code) AS call_fail_sip_code,
        text_of(call_fail_reason) AS sip_reason,
        text_of(duration) AS duration,
        text_of(billed_duration) AS billed_duration,
        text_of(rate) AS rate,
        text_of(first_increment) AS first_increment,
        text_of(subsequent_increment) AS subsequent_increment,
        text_of(cost_subtotal) AS cost_subtotal,
        text_of(connect_fee) AS connect_fee,
        text_of(usf_fee) AS usf_fee,
        text_of(ccrf) AS ccrf,
        text_of(cnam_lookup_fee) AS cnam_lookup_fee,
        text_of(total_cost) AS total_cost,
        text_of(custom_x_tag) AS x_tag,
        text_of(customer_ip) AS customer_ip,
        address_of(text_of(customer_ip)) AS customer,
        text_of(sip_callid) AS sip_call_id,
        text_of(cdr_id) AS cdr_id
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
        port_of(customer.port) AS source_port
    FROM texts
),
judged AS (
    SELECT
        * REPLACE (dialed AS destination),
        try_cast(nullif(status, 0) AS SMALLINT) AS sip_status,
        coalesce(customer.ip, lower(customer_ip)) AS source_ip,
        CASE
            WHEN direction NOT IN ('outbound', 'inbound') THEN 'direction'
            WHEN started_at IS NULL OR started_at < '2000-01-01' OR started_at > (now() AT TIME ZONE 'UTC') + INTERVAL 1 DAY THEN 'start_time'
            WHEN unread(end_time, ended_at) OR ended_at < '2000-01-01' OR ended_at > (now() AT TIME ZONE 'UTC') + INTERVAL 10 DAY
            THEN 'end_time'
            WHEN unread(call_fail_sip_code, status) OR (status <> 0 AND status NOT BETWEEN 100 AND 699)
            THEN 'call_fail_sip_code'
            WHEN unread(duration, duration_s) THEN 'duration'
            WHEN unread(billed_duration, billed_s) THEN 'billed_duration'
            WHEN unread(first_increment, first_increment_s) THEN 'first_increment'
            WHEN unread(subsequent_increment, next_increment_s) THEN 'subsequent_increment'
            WHEN direction = 'outbound' AND customer_ip <> '' AND (customer.ip IS NULL OR unread(customer.port, source_port))
            THEN 'customer_ip'
            WHEN unread(total_cost, cost_usd) THEN 'total_cost'
            WHEN unread(rate, rate_usd_per_min) THEN 'rate'
            WHEN unread(cost_subtotal, subtotal_usd) THEN 'cost_subtotal'
            WHEN unread(connect_fee, connect_fee_usd) THEN 'connect_fee'
            WHEN unread(usf_fee, usf_fee_usd) THEN 'usf_fee'
            WHEN unread(ccrf, ccrf_usd) THEN 'ccrf'
            WHEN unread(cnam_lookup_fee, cnam_fee_usd) THEN 'cnam_lookup_fee'
        END AS fault
    FROM parsed
)
SELECT
    {{columns}},
    {{outcome}} AS outcome,
    sip_call_id,
    cdr_id,
    {{row_digest}} AS row_digest,
    $file_no::INTEGER AS file_no,
    line::BIGINT AS line,
    fault,
    CASE WHEN fault IS NULL THEN started_at::DATE END AS day
FROM judged
