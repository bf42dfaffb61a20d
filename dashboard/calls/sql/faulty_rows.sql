-- Line and column of the rows that cannot be calls.
SELECT line, fault FROM {{staged}} ORDER BY line
