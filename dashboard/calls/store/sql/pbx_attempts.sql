-- PBX records of calls that start at $since (UTC) or later, ordered by PBX, number dialed and time, as the comparison
-- with the carrier's records requires. at_s: start in seconds since 1970; duration_s, billed_s: seconds.
SELECT
    pbx_id, destination, epoch(started_at)::BIGINT AS at_s, duration_s, billed_s, answered, disposition, q850_cause, sip_status
FROM {{attempts}}
WHERE started_at >= $since
ORDER BY pbx_id, destination, started_at, record_key
