-- First $limit rows of a numbered file that cannot be calls: line number, faulty column, and the total number of such
-- rows ("of").
SELECT line, fault, count(*) OVER () AS "of" FROM ({{judged}}) WHERE fault IS NOT NULL ORDER BY line LIMIT $limit
