-- The rows of an import, each record once: of several with one key the longest, whatever the order of the files.
SELECT * FROM incoming
QUALIFY row_number() OVER (PARTITION BY record_key ORDER BY ended_at DESC, started_at, file) = 1
