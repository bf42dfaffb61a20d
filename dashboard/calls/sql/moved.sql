-- Days next to each other that have a call of the same id near the midnight between them: a correction moved it.
WITH near AS (
    SELECT DISTINCT id, started_at::DATE AS day
    FROM (SELECT id, started_at FROM {{staged}} UNION ALL SELECT id, started_at FROM {{calls}})
    WHERE id <> '' AND hour(started_at) IN (23, 0)
)
SELECT DISTINCT before.day, after.day
FROM near AS before JOIN near AS after ON before.id = after.id AND after.day = before.day + 1
