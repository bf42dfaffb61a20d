-- Telephone numbers as digits, one per distinct text; `told` holds the texts (said) and their order (place).
SELECT number_of(text_of(said)) AS number FROM told ORDER BY place
