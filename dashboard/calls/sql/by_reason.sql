-- SIP code with the carrier's reason phrase.
SELECT sip_status, sip_reason, outcome, count(*) AS calls, min(started_at) AS first_at, max(started_at) AS last_at
FROM {{calls}}
WHERE started_at >= $since AND started_at < $until AND ($direction = '' OR direction = $direction)
GROUP BY ALL
ORDER BY calls DESC, sip_status, sip_reason, outcome
