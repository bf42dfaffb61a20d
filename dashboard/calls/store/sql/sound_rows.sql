-- The rows of a numbered file that are calls.
SELECT * EXCLUDE (line, fault) FROM ({{judged}}) WHERE fault IS NULL
