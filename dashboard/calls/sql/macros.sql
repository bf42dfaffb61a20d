-- How the text of an export file becomes values. NULL means: this text cannot be read as one.

-- Text, without the blanks around it, never NULL. Most texts have none, and to look is cheaper than to trim.
CREATE OR REPLACE TEMP MACRO text_of(x) AS coalesce(CASE
    WHEN ascii(x) < 33 OR ends_with(x, chr(32)) OR ends_with(x, chr(9)) OR ends_with(x, chr(10)) OR ends_with(x, chr(13))
    THEN trim(x, chr(32) || chr(9) || chr(10) || chr(13))
    ELSE x
END, '');

-- UTC, whole seconds. '2026-11-23 14:05:00+00' is the documented form and is tried first.
CREATE OR REPLACE TEMP MACRO utc_of(x) AS date_trunc('second', CASE
    WHEN length(x) = 22 AND suffix(x, '+00') THEN try_cast(left(x, 19) AS TIMESTAMP)
    WHEN regexp_full_match(x, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)?') THEN try_cast(x AS TIMESTAMP)
    WHEN regexp_full_match(x, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?([zZ]|UTC|[+-]\d{2}(:?\d{2})?)')
    THEN try_cast(replace(replace(replace(upper(x), ' +', '+'), ' -', '-'), ' UTC', 'Z') AS TIMESTAMPTZ)
        AT TIME ZONE 'UTC'
END);

-- A whole number that is not negative.
CREATE OR REPLACE TEMP MACRO whole_of(x) AS CASE
    WHEN try_cast(x AS DECIMAL(18, 4)) >= 0 AND try_cast(x AS DECIMAL(18, 4)) % 1 = 0
    THEN try_cast(try_cast(x AS DECIMAL(18, 4)) AS INTEGER)
END;

CREATE OR REPLACE TEMP MACRO usd_of(x) AS try_cast(x AS DECIMAL(18, 8));

-- True where a text is there, says something, and yet gave no value.
CREATE OR REPLACE TEMP MACRO unread(x, value) AS value IS NULL AND lower(x) NOT IN ('', 'n/a', 'null');

-- A number as digits without '+'; what is not a number ('anonymous') stays as it is.
CREATE OR REPLACE TEMP MACRO number_of(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]*') THEN x
    WHEN regexp_full_match(x, '[+][0-9]+') THEN x[2:]
    WHEN regexp_full_match(x, '[+]?[0-9 ().-]*[0-9][0-9 ().-]*') THEN regexp_replace(x, '[^0-9]', '', 'g')
    ELSE x
END;

CREATE OR REPLACE TEMP MACRO is_ipv4(x) AS regexp_full_match(
    x, '((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
);

CREATE OR REPLACE TEMP MACRO is_ipv6(x) AS regexp_full_match(x, '[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}(:[0-9.]+)?');

-- 'address', 'address:port' or '[address]:port' as {ip, port}; ip is NULL where it is no address.
CREATE OR REPLACE TEMP MACRO address_of(x) AS CASE
    WHEN is_ipv4(split_part(x, ':', 1)) THEN {'ip': split_part(x, ':', 1), 'port': substr(x, strpos(x || ':', ':') + 1)}
    WHEN is_ipv6(lower(x)) THEN {'ip': lower(x), 'port': ''}
    WHEN left(x, 1) = '[' AND is_ipv6(lower(split_part(substr(x, 2), ']', 1)))
    THEN {'ip': lower(split_part(substr(x, 2), ']', 1)), 'port': ltrim(split_part(x, ']', 2), ':')}
    ELSE {'ip': NULL, 'port': ''}
END;

CREATE OR REPLACE TEMP MACRO port_of(x) AS CASE WHEN whole_of(x) <= 65535 THEN whole_of(x) END;
