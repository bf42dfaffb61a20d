-- The calls of one day as they are stored.
SELECT {{columns}}, outcome, {{keys}}
FROM merged
WHERE day = $day AND NOT is_gone
ORDER BY started_at
