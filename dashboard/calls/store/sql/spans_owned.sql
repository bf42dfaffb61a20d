-- Like spans_by.sql, but by owner: `owners` holds the number of the owner by key of the roll-up, direction and segment;
-- calls without an owner are omitted. $segment is the number of the segment of $begun; $cuts are the boundaries of
-- segments from $begun on.
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
