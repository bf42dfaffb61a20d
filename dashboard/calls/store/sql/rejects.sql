-- The bad rows kept aside after an import: `bad` are its own, `old` those of before, `names` its files. A file that came
-- again brings its own anew; what another file has told already is not told twice. The newest $limit, oldest first.
WITH kept AS (
    SELECT * FROM old ANTI JOIN names USING (file)
),
fresh AS (
    SELECT bad.file, bad.line, bad.column, bad.reason, bad.raw, coalesce(was.imported_at, $now) AS imported_at
    FROM bad
    LEFT JOIN (SELECT file, line, "column", reason, raw, min(imported_at) AS imported_at FROM old GROUP BY ALL) AS was
        USING (file, line, "column", reason, raw)
    ANTI JOIN kept ON kept.column = bad.column AND kept.raw = bad.raw
)
SELECT * FROM (
    SELECT file, line, "column", reason, raw, imported_at FROM kept
    UNION ALL
    SELECT file, line, "column", reason, raw, imported_at FROM fresh
    ORDER BY imported_at DESC, file, line, "column", raw
    LIMIT $limit
)
ORDER BY imported_at, file, line, "column", raw
