-- Roll-up by hour: stored rows for the whole hours in `spans`, and `rolled`, the rows computed for the other hours.
SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}}
FROM {{traffic}} SEMI JOIN spans USING (hour_at)
UNION ALL
SELECT hour_at, {{rolled_keys}}, zone, {{rolled_sums}} FROM rolled
ORDER BY ALL
