-- The carrier's outbound calls in [$since, $until) to the numbers in `names`, by the number's place.
SELECT
    names.place, epoch(calls.started_at)::BIGINT AS at_s, calls.outcome = 'answered' AS answered, calls.duration_s, calls.source_ip
FROM {{calls}} AS calls
JOIN names ON calls.destination = names.destination
WHERE calls.direction = 'outbound' AND calls.started_at >= $since AND calls.started_at < $until
ORDER BY names.place, at_s, calls.source_ip, calls.row_hash, calls.nth
