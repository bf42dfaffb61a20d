-- Like calls.sql, restricted to the calls that rows of the roll-up count. `among` holds those rows: a call belongs to a
-- row with the same keys if it starts between its first_at and last_at.
SELECT {{columns}}, outcome, sip_call_id, call_key
FROM (SELECT *, {{call_key}} AS call_key, {{number}} AS our_number FROM {{calls}}) AS call
SEMI JOIN among ON call.started_at BETWEEN among.first_at AND among.last_at
    AND among.direction = call.direction
    AND among.source_ip = call.source_ip
    AND among.x_tag = call.x_tag
    AND among.number = call.our_number
    AND among.outcome = call.outcome
    AND among.sip_status IS NOT DISTINCT FROM call.sip_status
    AND among.sip_reason = call.sip_reason
WHERE started_at >= $since AND started_at < $until
    AND ($number = '' OR contains(destination, $number) OR contains(caller_id, $number))
    AND ($source_ip = '' OR source_ip = $source_ip)
    AND ($x_tag = '' OR x_tag = $x_tag)
    AND ($outcome = '' OR outcome = $outcome)
    AND ($direction = '' OR direction = $direction)
    AND ($zone = '' OR destination_name = $zone)
    AND ($sip_status IS NULL OR sip_status = $sip_status)
    AND ($after_at IS NULL OR started_at < $after_at OR (started_at = $after_at AND call_key < $after_key))
ORDER BY started_at DESC, call_key DESC
LIMIT $limit
