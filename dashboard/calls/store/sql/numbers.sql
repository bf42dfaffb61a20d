-- Distinct texts of numbers as digits, in the order they came.
SELECT number_of(text_of(said)) AS number FROM told ORDER BY place
