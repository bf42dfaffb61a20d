-- How many rows of each file the store did not have.
SELECT file_no, count(*) AS kept
FROM merged
WHERE is_new
GROUP BY file_no
