-- Rows of one export file by column name, as text or as the types in $columns, and the time of reading (read_at).
-- $path: file in plain UTF-8. $columns: names and types of its columns, in their order. $header: whether its first line
-- is a header. A documented column that the file lacks is NULL. A line of more than $longest bytes is an error.
-- $now: UTC without a zone.
SELECT {{documented}}, $now::TIMESTAMP AS read_at
FROM read_csv(
    $path, columns = $columns, header = $header, auto_detect = false, strict_mode = true,
    delim = ',', quote = '"', escape = '"', compression = 'none', encoding = 'utf-8',
    {{new_line}} max_line_size = $longest, buffer_size = 33554432,
    timestampformat = '%Y-%m-%d %H:%M:%S+00'
)
