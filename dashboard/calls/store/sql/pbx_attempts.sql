-- PBXs' records from $since on, in the order in which they are compared.
SELECT
    pbx_id, destination, epoch(started_at)::BIGINT AS at_s, duration_s, billed_s, answered, disposition, q850_cause, sip_status
FROM {{attempts}}
WHERE started_at >= $since
ORDER BY pbx_id, destination, started_at, record_key
