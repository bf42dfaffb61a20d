-- Line and column of the first rows that cannot be calls, and of how many they are the first.
SELECT line, fault, count(*) OVER () AS "of" FROM {{staged}} ORDER BY line LIMIT $limit
