-- The roll-up of whole hours in [$since, $until), but for the hours $left_out.
SELECT *
FROM {{traffic}}
WHERE hour_at >= $since AND hour_at < $until AND NOT list_contains($left_out, hour_at)
ORDER BY ALL
