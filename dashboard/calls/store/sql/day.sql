-- The calls of $day with the origin $origin (carrier, imported or file_only) after a merge, with the columns of a
-- stored part, ordered by start.
SELECT {{columns}}, outcome, {{keys}}
FROM merged
WHERE day = $day AND origin = $origin AND NOT is_gone
ORDER BY started_at
