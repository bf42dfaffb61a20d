-- Rows of a numbered file that are calls, without the columns `line` and `fault`.
SELECT * EXCLUDE (line, fault) FROM ({{judged}}) WHERE fault IS NULL
