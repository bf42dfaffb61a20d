-- Number of calls of each imported file that the store did not have, or had with other content, after a merge.
SELECT file_no, count(*) AS kept
FROM merged
WHERE is_new
GROUP BY file_no
