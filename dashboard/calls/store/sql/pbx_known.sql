-- Of the rows of an import (`staged`, each key once), by file: how many there are, how many the store has just so, and
-- every day on which it has one of them.
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
