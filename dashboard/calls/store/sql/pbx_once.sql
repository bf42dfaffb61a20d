-- PBX records of an import (`incoming`), one row per record_key: of several, the one that ends last and then the one
-- that starts first, whatever the order of the files.
SELECT * FROM incoming
QUALIFY row_number() OVER (PARTITION BY record_key ORDER BY ended_at DESC, started_at, file) = 1
