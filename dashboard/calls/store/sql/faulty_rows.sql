-- Line and column of the first rows of a numbered file that cannot be calls, and of how many they are the first.
SELECT line, fault, count(*) OVER () AS "of" FROM ({{judged}}) WHERE fault IS NOT NULL ORDER BY line LIMIT $limit
