-- A day of PBXs' records after an import: those of before that did not come again, and those that came.
SELECT {{attempt_columns}} FROM {{attempts}} ANTI JOIN staged USING (record_key)
UNION ALL
SELECT {{attempt_columns}} FROM staged WHERE started_at::DATE = $day
ORDER BY started_at, pbx_id, record_key
