-- The same for a file in the documented form, whose times and numbers the engine reads as such by itself.
CREATE OR REPLACE TEMP MACRO utc_of(x) AS x;
CREATE OR REPLACE TEMP MACRO whole_of(x) AS CASE WHEN x >= 0 AND x % 1 = 0 THEN x::INTEGER END;
CREATE OR REPLACE TEMP MACRO usd_of(x) AS CASE WHEN x BETWEEN -10000 AND 10000 THEN x END;
CREATE OR REPLACE TEMP MACRO unread(x, value) AS value IS NULL AND x IS NOT NULL;
CREATE OR REPLACE TEMP MACRO address_of(x) AS {
    'ip': CASE WHEN x <> '' THEN error('An address in another form.')::VARCHAR END, 'port': ''
};
