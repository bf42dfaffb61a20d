-- Per imported file of PBX records (`staged`, one row per record_key): number of records, number of those that the
-- store has with the same times, number dialed, disposition and billed time (known), and the days (UTC) on which the
-- store has any of them.
WITH kept AS (
    SELECT record_key, started_at, ended_at, destination, disposition, billed_s FROM {{attempts}}
    SEMI JOIN staged USING (record_key)
)
SELECT
    staged.file,
    count(*) AS records,
    count(*) FILTER (
        kept.record_key IS NOT NULL
        AND (kept.started_at, kept.ended_at, kept.destination, kept.disposition, kept.billed_s)
            IS NOT DISTINCT FROM
            (staged.started_at, staged.ended_at, staged.destination, staged.disposition, staged.billed_s)
    ) AS known,
    list(DISTINCT kept.started_at::DATE) FILTER (kept.record_key IS NOT NULL) AS days
FROM staged
LEFT JOIN kept USING (record_key)
GROUP BY staged.file
ORDER BY staged.file
