-- What staged days hold, and whether all of their calls differ in number: then none came twice, and each has a key of
-- its own. The rows of a day must have been numbered in one way; with the days so far apart it is cheap.
SELECT
    started_at::DATE AS day,
    count(*) AS rows,
    count(DISTINCT CASE WHEN id = '' THEN row_hash ELSE hash(id) END) = count(*) AS all_differ,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM {{calls}}
GROUP BY day
ORDER BY day
