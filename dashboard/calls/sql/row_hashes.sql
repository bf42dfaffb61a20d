-- A number for all that each row says, in the order they came.
SELECT {{row_hash}} AS row_hash FROM judged
