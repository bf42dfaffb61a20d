-- Replacements of macros of macros.sql for a file in the documented format, whose times and numbers DuckDB parses
-- itself: values are only checked for their range. An address that is not in the form of is_plain_pair is an error, and
-- the file is then read as text.
CREATE OR REPLACE TEMP MACRO utc_of(x) AS x;
CREATE OR REPLACE TEMP MACRO whole_of(x) AS CASE WHEN x >= 0 AND x % 1 = 0 THEN x::INTEGER END;
CREATE OR REPLACE TEMP MACRO usd_of(x) AS CASE WHEN x BETWEEN -10000 AND 10000 THEN x END;
CREATE OR REPLACE TEMP MACRO unread(x, value) AS value IS NULL AND x IS NOT NULL;
CREATE OR REPLACE TEMP MACRO address_of(x) AS {
    'ip': CASE WHEN x <> '' THEN error('An address in another form.')::VARCHAR END, 'port': ''
};
