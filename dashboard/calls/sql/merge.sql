-- What some days hold after new rows came, one row a call; nothing is changed on disk.
-- $staged: parts made by stage.sql, and `files` which file each is of, and the how-manieth of it; $calls: parts
-- of the store, same days. `moved` are the ids of calls that moved over midnight, with both days; the same id on two
-- other days is two calls.
-- Calls of the store that start in [$replaced_from, $replaced_until) and did not come again go away.
CREATE OR REPLACE TEMP TABLE merged AS
WITH staged AS (
    SELECT told.*, {{content}} AS hash_now, files.file_no, files.part_no
    FROM {{staged}} AS told JOIN files ON files.part = told.part
),
-- Rows equal in every column of a file are as many calls, told apart by a number.
numbered AS (
    SELECT
        told.* EXCLUDE (nth),
        told.nth AS line_no,
        CASE WHEN id = '' THEN hash_now ELSE day_number(coalesce(before_day, started_at::DATE)) END AS content,
        CASE WHEN id = '' THEN row_number() OVER (PARTITION BY file_no, id, hash_now) - 1 ELSE 0 END AS place
    FROM staged AS told LEFT JOIN moved ON moved.moved_id = id AND moved.after_day = started_at::DATE
),
-- An id that comes with other content is a correction: the last file is right, and of a file its last row. The same
-- row in several files counts for the first of them.
incoming AS (
    SELECT *, min(file_no) OVER (PARTITION BY id, content, place, hash_now) AS first_no
    FROM numbered
    QUALIFY row_number() OVER (
        PARTITION BY id, content, place
        ORDER BY file_no DESC, line_no DESC, started_at::DATE DESC, part_no DESC, file_row_number DESC
    ) = 1
),
hashed AS (
    SELECT *, {{content}} AS hash_now FROM {{calls}} AS told
    LEFT JOIN moved ON moved.moved_id = told.id AND moved.after_day = told.started_at::DATE
),
stored AS (
    SELECT
        *,
        CASE WHEN id = '' THEN hash_now ELSE day_number(coalesce(before_day, started_at::DATE)) END AS content,
        CASE WHEN id = '' THEN row_number() OVER (PARTITION BY id, hash_now ORDER BY nth) - 1 ELSE 0 END AS place
    FROM hashed
)
SELECT
    {{incoming_columns}}, incoming.outcome, incoming.sip_call_id, incoming.id,
    coalesce(stored.row_hash, incoming.hash_now) AS row_hash,
    coalesce(stored.nth, incoming.place)::INTEGER AS nth,
    incoming.first_no AS file_no,
    stored.id IS NULL OR incoming.hash_now <> stored.hash_now AS is_new,
    FALSE AS is_gone,
    incoming.started_at::DATE AS day
FROM incoming LEFT JOIN stored
    ON incoming.id = stored.id AND incoming.content = stored.content AND incoming.place = stored.place
UNION ALL
SELECT
    {{columns}}, outcome, sip_call_id, id, row_hash, nth, NULL, FALSE,
    started_at >= $replaced_from AND started_at < $replaced_until,
    started_at::DATE
FROM stored ANTI JOIN incoming
    ON stored.id = incoming.id AND stored.content = incoming.content AND stored.place = incoming.place
UNION ALL
SELECT
    {{columns}}, outcome, sip_call_id, id, row_hash, nth, NULL, FALSE,
    TRUE,
    started_at::DATE
FROM stored SEMI JOIN incoming
    ON stored.id = incoming.id AND stored.content = incoming.content AND stored.place = incoming.place
    AND stored.started_at::DATE <> incoming.started_at::DATE
