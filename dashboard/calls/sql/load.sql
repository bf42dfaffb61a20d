-- Load of each minute in [$since, $until), by direction: starts, the most starts in one second, the most
-- answered calls in progress at once. A call is in progress in [started_at, ended_at), so the parts given
-- must reach back to calls that began before $since and still run. A minute of which nothing is known has no row.
WITH told AS MATERIALIZED (
    SELECT
        direction,
        started_at,
        outcome = 'answered' AS is_answered,
        coalesce(ended_at, started_at + to_seconds(duration_s)) AS done_at
    FROM {{calls}}
    WHERE started_at < $until
        AND (started_at >= $since
            OR outcome = 'answered' AND coalesce(ended_at, started_at + to_seconds(duration_s)) > $since)
),
running AS (
    SELECT direction, greatest(started_at, $since) AS moment, least(done_at, $until) AS done_at
    FROM told
    WHERE is_answered AND done_at > started_at
),
steps AS (
    SELECT direction, moment, sum(change)::BIGINT AS change
    FROM (
        SELECT direction, moment, 1 AS change FROM running
        UNION ALL
        SELECT direction, done_at, -1 FROM running
    )
    GROUP BY direction, moment
),
levels AS (
    SELECT direction, moment, sum(change) OVER by_time AS level, lead(moment) OVER by_time AS next_at
    FROM steps
    WINDOW by_time AS (PARTITION BY direction ORDER BY moment)
),
-- A level holds in every minute that begins before the next one.
busy AS (
    SELECT direction, minute_at, max(level)::BIGINT AS concurrent
    FROM (
        SELECT direction, level, unnest(range(date_trunc('minute', moment), next_at, INTERVAL 1 MINUTE)) AS minute_at
        FROM levels
        WHERE level > 0
    )
    GROUP BY direction, minute_at
),
seconds AS (
    SELECT direction, date_trunc('second', started_at) AS moment, count(*) AS calls
    FROM told
    WHERE started_at >= $since
    GROUP BY ALL
),
starts AS (
    SELECT direction, date_trunc('minute', moment) AS minute_at, sum(calls)::BIGINT AS calls, max(calls) AS peak_1s
    FROM seconds
    GROUP BY ALL
)
SELECT
    minute_at,
    direction,
    coalesce(calls, 0) AS calls,
    coalesce(peak_1s, 0) AS peak_1s,
    coalesce(concurrent, 0) AS concurrent
FROM starts FULL JOIN busy USING (direction, minute_at)
ORDER BY minute_at, direction
