-- The calls of one day as `stage.sql` makes them; a row with a fault, or of another day, is an error.
SELECT * EXCLUDE (day) REPLACE (
    CASE WHEN day = $day THEN nth ELSE error('A call of another day, or none.')::INTEGER END AS nth
)
FROM ({{judged}})
