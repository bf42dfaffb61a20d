-- The rows of one export file as text, by column name, and the time of reading.
-- $path is plain UTF-8 text; $columns names its columns; a documented column it lacks is NULL; a line of more than
-- $longest bytes is an error; $now is UTC without a zone.
SELECT {{documented}}, $now::TIMESTAMP AS read_at
FROM read_csv(
    $path, columns = $columns, header = $header, auto_detect = false, strict_mode = true,
    delim = ',', quote = '"', escape = '"', compression = 'none', encoding = 'utf-8',
    {{new_line}} max_line_size = $longest, buffer_size = 33554432,
    timestampformat = '%Y-%m-%d %H:%M:%S+00'
)
