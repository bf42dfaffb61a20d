-- The roll-up by the minute in [$since, $until).
SELECT * FROM {{load}} WHERE minute_at >= $since AND minute_at < $until ORDER BY ALL
