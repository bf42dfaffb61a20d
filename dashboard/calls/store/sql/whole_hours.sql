-- Stored rows of the roll-up for the hours $hours that overlap [$since, $until), for days of which only the roll-up
-- remains: their partial hours count as whole.
SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}}
FROM {{traffic}}
WHERE list_contains($hours::TIMESTAMP[], hour_at) AND last_at >= $since AND first_at < $until
