-- What a merge did to each day: rows it holds now, rows that are new or gone, first and last start.
SELECT
    day,
    count(*) FILTER (NOT is_gone) AS kept,
    count(*) FILTER (is_new OR is_gone) AS changed,
    min(started_at) FILTER (NOT is_gone) AS first_at,
    max(started_at) FILTER (NOT is_gone) AS last_at
FROM merged
GROUP BY day
ORDER BY day
