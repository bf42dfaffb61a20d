-- What some days hold after new rows came, one row a call; nothing is changed on disk.
-- $staged: parts made by stage.sql, $stored: parts of the store, for the same days.
-- Calls of the store that start in [$replaced_from, $replaced_until) and did not come again go away.
CREATE OR REPLACE TEMP TABLE merged AS
WITH numbered AS (
    SELECT *, row_number() OVER (PARTITION BY file_no, row_digest) AS nth
    FROM {{staged}}
),
keyed AS (
    SELECT
        *,
        CASE WHEN cdr_id <> '' THEN cdr_id WHEN nth = 1 THEN row_digest ELSE row_digest || '-' || nth END AS call_key
    FROM numbered
),
-- The same row in several files counts for the first of them.
firsts AS (
    SELECT * FROM keyed
    QUALIFY row_number() OVER (PARTITION BY call_key, row_digest ORDER BY file_no) = 1
),
-- An id that comes with other content is a correction: the last file is right.
incoming AS (
    SELECT * FROM firsts
    QUALIFY row_number() OVER (PARTITION BY call_key ORDER BY file_no DESC, row_digest) = 1
),
stored AS (SELECT * FROM {{calls}}),
compared AS (
    SELECT
        incoming.*,
        stored.call_key IS NULL
        OR (incoming.cdr_id <> '' AND incoming.row_digest <> {{stored_digest}}) AS is_new
    FROM incoming LEFT JOIN stored ON incoming.call_key = stored.call_key
)
SELECT {{columns}}, outcome, sip_call_id, call_key, file_no, is_new, FALSE AS is_gone, started_at::DATE AS day
FROM compared
UNION ALL
SELECT
    {{columns}}, outcome, sip_call_id, call_key, NULL, FALSE,
    started_at >= $replaced_from AND started_at < $replaced_until,
    started_at::DATE
FROM stored
ANTI JOIN incoming ON stored.call_key = incoming.call_key
