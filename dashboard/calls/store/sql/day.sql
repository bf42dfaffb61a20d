-- The calls of one day as they are stored, of one origin.
SELECT {{columns}}, outcome, {{keys}}
FROM merged
WHERE day = $day AND origin = $origin AND NOT is_gone
ORDER BY started_at
