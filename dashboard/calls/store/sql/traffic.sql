-- The roll-up, hour by hour: whole hours as they are kept, the others (`rolled`) as they were just counted.
SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}}
FROM {{traffic}} SEMI JOIN spans USING (hour_at)
UNION ALL
SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}} FROM rolled
ORDER BY ALL
