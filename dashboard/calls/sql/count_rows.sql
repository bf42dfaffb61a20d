SELECT count(*) AS rows FROM {{staged}}
