-- The calls of $day, as stage.sql returns them; a row with a fault, or of another day, is an error.
SELECT * EXCLUDE (day) REPLACE (
    CASE WHEN day = $day THEN nth ELSE error('A call of another day, or none.')::INTEGER END AS nth
)
FROM ({{judged}})
