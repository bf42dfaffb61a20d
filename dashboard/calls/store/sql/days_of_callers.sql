-- Days on which an outbound call without an X-Tag has one of the caller IDs of the table `own_numbers`.
SELECT DISTINCT started_at::DATE AS day
FROM {{calls}}
WHERE direction = 'outbound' AND x_tag = '' AND caller_id IN (SELECT number FROM own_numbers)
