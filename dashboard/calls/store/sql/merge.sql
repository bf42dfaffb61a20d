-- Merge staged calls into some days of the store: create the table `merged` with one row per call and day. Nothing
-- changes on disk.
-- $staged: parts written by stage.sql. `files`: by staged part, the number of its file, and the number of the part
-- among those of that file and day. $known: parts of the same days in the store. `origins`: by stored part, the origin
-- of its calls (carrier, imported, file_only).
-- `moved`: IDs of calls that moved over midnight, with both days (moved.sql); the same ID on any other two days belongs
-- to two calls.
-- $by_carrier: the files are the carrier's export. Stored calls that start in [$replaced_from, $replaced_until) and are
-- not in the files are then removed if their origin is the carrier; calls from imported files only become `file_only`.
-- Columns of `merged` besides those of a stored call: file_no (first file that has the call; NULL for a row of the
-- store), is_new (new or corrected), is_gone (to be removed from this day), origin, is_moved (its origin changed), day
-- (UTC).
CREATE OR REPLACE TEMP TABLE merged AS
WITH staged AS (
    SELECT told.*, {{content}} AS hash_now, files.file_no, files.part_no
    FROM {{staged}} AS told JOIN files ON files.part = told.part
),
-- Rows of one file that are equal in every column and have no ID are separate calls; an ordinal (place) distinguishes
-- them.
numbered AS (
    SELECT
        told.* EXCLUDE (nth),
        told.nth AS line_no,
        CASE WHEN id = '' THEN hash_now ELSE day_number(coalesce(before_day, started_at::DATE)) END AS content,
        CASE WHEN id = '' THEN row_number() OVER (PARTITION BY file_no, id, hash_now) - 1 ELSE 0 END AS place
    FROM staged AS told LEFT JOIN moved ON moved.moved_id = id AND moved.after_day = started_at::DATE
),
-- An ID that occurs again with other content is a correction: the last file applies, and within a file its last row. A
-- row that is equal in several files counts for the first of them.
incoming AS (
    SELECT *, min(file_no) OVER (PARTITION BY id, content, place, hash_now) AS first_no
    FROM numbered
    QUALIFY row_number() OVER (
        PARTITION BY id, content, place
        ORDER BY file_no DESC, line_no DESC, started_at::DATE DESC, part_no DESC, file_row_number DESC
    ) = 1
),
hashed AS (
    SELECT told.*, {{content}} AS hash_now, origins.origin, moved.before_day FROM {{known}} AS told
    JOIN origins ON origins.part = told.part
    LEFT JOIN moved ON moved.moved_id = told.id AND moved.after_day = told.started_at::DATE
),
stored AS (
    SELECT
        *,
        CASE WHEN id = '' THEN hash_now ELSE day_number(coalesce(before_day, started_at::DATE)) END AS content,
        CASE WHEN id = '' THEN row_number() OVER (PARTITION BY id, hash_now ORDER BY nth) - 1 ELSE 0 END AS place
    FROM hashed
),
left_out AS (
    SELECT *, {{same_call}} AS same_call, started_at >= $replaced_from AND started_at < $replaced_until AS covered
    FROM stored ANTI JOIN incoming
        ON stored.id = incoming.id AND stored.content = incoming.content AND stored.place = incoming.place
),
-- An export may contain a call with other columns than the file that it was imported from. Rows of the export that
-- match such a call by its key replace it already and are subtracted; each of the others replaces one such call.
in_export AS (
    SELECT same_call, sum(one) AS calls FROM (
        SELECT {{same_call}} AS same_call, 1 AS one FROM incoming WHERE $by_carrier
        UNION ALL
        SELECT {{same_call}} AS same_call, -1 AS one FROM stored SEMI JOIN incoming
            ON stored.id = incoming.id AND stored.content = incoming.content AND stored.place = incoming.place
        WHERE $by_carrier AND stored.origin <> 'carrier'
    ) GROUP BY same_call
),
judged AS (
    SELECT
        left_out.*,
        covered AND (
            origin = 'carrier'
            OR row_number() OVER (PARTITION BY same_call, covered, origin = 'carrier' ORDER BY id, row_hash, nth)
                <= coalesce(in_export.calls, 0)
        ) AS is_gone
    FROM left_out LEFT JOIN in_export USING (same_call)
)
SELECT
    {{incoming_columns}}, incoming.outcome, incoming.sip_call_id, incoming.id,
    coalesce(stored.row_hash, incoming.hash_now) AS row_hash,
    coalesce(stored.nth, incoming.place)::INTEGER AS nth,
    incoming.first_no AS file_no,
    stored.id IS NULL OR incoming.hash_now <> stored.hash_now AS is_new,
    FALSE AS is_gone,
    CASE WHEN $by_carrier THEN 'carrier' ELSE coalesce(stored.origin, 'imported') END AS origin,
    $by_carrier AND stored.origin <> 'carrier' AS is_moved,
    incoming.started_at::DATE AS day
FROM incoming LEFT JOIN stored
    ON incoming.id = stored.id AND incoming.content = stored.content AND incoming.place = stored.place
UNION ALL
SELECT
    {{columns}}, outcome, sip_call_id, id, row_hash, nth, NULL, FALSE,
    is_gone,
    CASE WHEN covered AND origin = 'imported' THEN 'file_only' ELSE origin END,
    covered AND origin = 'imported' AND NOT is_gone,
    started_at::DATE
FROM judged
UNION ALL
SELECT
    {{columns}}, outcome, sip_call_id, id, row_hash, nth, NULL, FALSE,
    TRUE,
    origin,
    FALSE,
    started_at::DATE
FROM stored SEMI JOIN incoming
    ON stored.id = incoming.id AND stored.content = incoming.content AND stored.place = incoming.place
    AND stored.started_at::DATE <> incoming.started_at::DATE
