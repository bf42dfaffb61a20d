-- Staged days (UTC): number of rows, whether the row hashes or IDs of all rows differ (all_differ), first and last
-- start. If all differ, no call occurs twice, and each has its own key. All rows of a day must have been fingerprinted
-- in the same way, in memory or by DuckDB. The query is cheap, because each staged part holds one day only.
SELECT
    started_at::DATE AS day,
    count(*) AS rows,
    count(DISTINCT CASE WHEN id = '' THEN row_hash ELSE hash(id) END) = count(*) AS all_differ,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM {{calls}}
GROUP BY day
ORDER BY day
