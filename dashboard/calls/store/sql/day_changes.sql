-- Changes that a merge made, by day (UTC): number of remaining calls by origin (carrier, imported, file_only); number
-- of calls that are new, corrected or removed, or have another origin (changed); first and last start of the remaining
-- calls.
SELECT
    day,
    count(*) FILTER (NOT is_gone AND origin = 'carrier') AS carrier,
    count(*) FILTER (NOT is_gone AND origin = 'imported') AS imported,
    count(*) FILTER (NOT is_gone AND origin = 'file_only') AS file_only,
    count(*) FILTER (is_new OR is_gone OR is_moved) AS changed,
    min(started_at) FILTER (NOT is_gone) AS first_at,
    max(started_at) FILTER (NOT is_gone) AS last_at
FROM merged
GROUP BY day
ORDER BY day
