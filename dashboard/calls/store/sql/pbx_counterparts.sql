-- The carrier's outbound calls that start in [$since, $until) and were dialed to a number in `names`, ordered by the
-- place of the number there. at_s: start in seconds since 1970; duration_s: seconds.
SELECT
    names.place, epoch(calls.started_at)::BIGINT AS at_s, calls.outcome = 'answered' AS answered, calls.duration_s, calls.source_ip
FROM {{calls}} AS calls
JOIN names ON calls.destination = names.destination
WHERE calls.direction = 'outbound' AND calls.started_at >= $since AND calls.started_at < $until
ORDER BY names.place, at_s, calls.source_ip, calls.row_hash, calls.nth
