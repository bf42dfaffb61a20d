-- What staged days hold, and whether any of their calls came twice; with the days so far apart it is cheap.
SELECT
    started_at::DATE AS day,
    count(*) AS rows,
    count(DISTINCT CASE WHEN id = '' THEN {{content}} ELSE hash(id) END) = count(*) AS all_differ,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM {{calls}} AS told
GROUP BY day
ORDER BY day
