-- Address and port of each distinct text of the column customer_ip; `told` holds the texts in the column said.
-- ip: the address in canonical form, or the text in lower case if it is not an address. port: NULL if absent or
-- invalid. odd: the text is invalid for an outbound call; an empty text is valid.
WITH customers AS (SELECT said, address_of(said) AS customer FROM told)
SELECT
    said,
    coalesce(customer.ip, lower(said)) AS ip,
    port_of(customer.port) AS port,
    (customer.ip IS NULL AND said <> '') OR (port_of(customer.port) IS NULL AND customer.port <> '') AS odd
FROM customers
