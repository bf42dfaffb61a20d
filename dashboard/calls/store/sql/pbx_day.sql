-- PBX records of $day (UTC) after an import: the stored ones that the import does not contain, and those of the import
-- (`staged`). The parts read are those of that day.
SELECT {{attempt_columns}} FROM {{attempts}} ANTI JOIN staged USING (record_key)
UNION ALL
SELECT {{attempt_columns}} FROM staged WHERE started_at::DATE = $day
ORDER BY started_at, pbx_id, record_key
