-- An id that comes twice with different content, if there is one.
SELECT id FROM {{calls}} WHERE id <> '' GROUP BY id HAVING min(row_hash) <> max(row_hash) LIMIT 1
