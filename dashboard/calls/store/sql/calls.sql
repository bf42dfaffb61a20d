-- One page of the single calls that start in [$since, $until), newest first, at most $limit.
-- Filters: $number (a part of the number dialed or of the caller ID), $source_ip, $x_tag, $outcome, $direction, $zone
-- (the destination name) and $sip_status. '' or a NULL $sip_status means no filter.
-- $after_at and $after_key: started_at and call_key of the last call of the previous page; NULL and '' for the first.
SELECT {{columns}}, outcome, sip_call_id, call_key
FROM (SELECT *, {{call_key}} AS call_key FROM {{calls}})
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
