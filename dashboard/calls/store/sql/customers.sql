-- Distinct texts of the column customer_ip as address and port; `odd` is one that no outbound call may have.
WITH customers AS (SELECT said, address_of(said) AS customer FROM told)
SELECT
    said,
    coalesce(customer.ip, lower(said)) AS ip,
    port_of(customer.port) AS port,
    (customer.ip IS NULL AND said <> '') OR (port_of(customer.port) IS NULL AND customer.port <> '') AS odd
FROM customers
