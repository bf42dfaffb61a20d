-- Rows of the roll-up for $hours that reach into [$since, $until).
SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}}
FROM {{traffic}}
WHERE list_contains($hours::TIMESTAMP[], hour_at) AND last_at >= $since AND first_at < $until
