-- Numbers of ours that took inbound calls: how many, and when last.
SELECT number, sum(calls)::BIGINT AS calls, max(last_at) AS last_at
FROM {{traffic}}
WHERE hour_at >= $since AND hour_at < $until AND direction = 'inbound' AND number <> ''
GROUP BY number
ORDER BY number
