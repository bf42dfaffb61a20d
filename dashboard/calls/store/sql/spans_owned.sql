-- As spans_by.sql, by whose the calls are: `owners` numbers who that is for each key of the roll-up, as in cube.sql.
-- $segment is that of $begun, and $cuts are those from there on.
WITH told AS (
    SELECT
        direction,
        source_ip,
        x_tag,
        {{number}} AS number,
        $segment + len(list_filter($cuts::TIMESTAMP[], lambda cut: cut <= started_at)) AS segment,
        started_at,
        {{done_at}} AS done_at
    FROM {{calls}}
    WHERE started_at >= $begun AND started_at < $until
)
SELECT
    owner,
    direction = 'inbound' AS is_inbound,
    (epoch_us(started_at) - epoch_us($since::TIMESTAMP)) // 1000000 AS start_s,
    (epoch_us(done_at) - epoch_us($since::TIMESTAMP)) // 1000000 AS done_s
FROM told JOIN owners USING (direction, source_ip, x_tag, number, segment)
WHERE started_at >= $since OR done_at > $since
