-- Load per minute in [$since, $until), UTC, by direction: number of call starts, most starts in one second (peak_1s),
-- most answered calls in progress at once (concurrent).
SELECT * FROM {{load}} WHERE minute_at >= $since AND minute_at < $until ORDER BY ALL
