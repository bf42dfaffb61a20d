-- One ID that occurs with different content; no row if there is none.
SELECT id FROM {{calls}} WHERE id <> '' GROUP BY id HAVING min(row_hash) <> max(row_hash) LIMIT 1
