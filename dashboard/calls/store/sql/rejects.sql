-- Rejected rows to keep after an import. `bad`: rows rejected by the import; `old`: stored ones; `names`: files of the
-- import. Stored rows of a file that is imported again are replaced; a row that was stored for it before keeps its
-- imported_at. A row with the same column and text as a stored one of another file is not added again.
-- Returns the newest $limit rows, oldest first. $now: time of the import, UTC without a zone.
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
