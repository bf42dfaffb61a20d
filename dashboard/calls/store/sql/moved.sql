-- IDs that occur on two consecutive days (UTC), each time in the first or last hour of a day: a correction moved the
-- call over midnight. Columns: ID, earlier day, later day.
WITH near AS (
    SELECT DISTINCT id, started_at::DATE AS day
    FROM (SELECT id, started_at FROM {{staged}} UNION ALL SELECT id, started_at FROM {{calls}})
    WHERE id <> '' AND hour(started_at) IN (23, 0)
)
SELECT before.id AS moved_id, before.day AS before_day, after.day AS after_day
FROM near AS before JOIN near AS after ON before.id = after.id AND after.day = before.day + 1
