-- The calls of one day as they are stored.
SELECT {{columns}}, outcome, sip_call_id, call_key
FROM merged
WHERE day = $day AND NOT is_gone
ORDER BY started_at, call_key
