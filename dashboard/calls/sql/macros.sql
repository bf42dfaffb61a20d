-- How the text of an export file becomes values. NULL means: this text cannot be read as one.

-- Text, without the blanks around it, never NULL. Most texts have none, and to look is cheaper than to trim.
CREATE OR REPLACE MACRO text_of(x) AS coalesce(CASE
    WHEN ascii(x) < 33 OR ends_with(x, chr(32)) OR ends_with(x, chr(9)) OR ends_with(x, chr(10)) OR ends_with(x, chr(13))
    THEN trim(x, chr(32) || chr(9) || chr(10) || chr(13))
    ELSE x
END, '');

-- UTC, whole seconds. '2026-11-23 14:05:00+00' is the documented form and is tried first.
CREATE OR REPLACE MACRO utc_of(x) AS CASE
    WHEN length(x) = 22 AND suffix(x, '+00') AND try_cast(left(x, 19) AS TIMESTAMP) IS NOT NULL
    THEN try_cast(left(x, 19) AS TIMESTAMP)
    WHEN regexp_full_match(text_of(x), '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)?')
    THEN date_trunc('second', try_cast(text_of(x) AS TIMESTAMP))
    WHEN regexp_full_match(
        text_of(x), '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?([zZ]|UTC|[+-](0\d|1[0-4])(:?[0-5]\d)?)'
    )
    THEN date_trunc('second', try_cast(
        replace(replace(replace(upper(text_of(x)), ' +', '+'), ' -', '-'), ' UTC', 'Z') AS TIMESTAMPTZ
    ) AT TIME ZONE 'UTC')
END;

-- A whole number that is not negative.
CREATE OR REPLACE MACRO whole_of(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]{1,9}') THEN try_cast(x AS INTEGER)
    WHEN NOT (contains(x, '_') OR contains(x, 'e') OR contains(x, 'E'))
        AND try_cast(x AS DECIMAL(18, 4)) >= 0 AND try_cast(x AS DECIMAL(18, 4)) % 1 = 0
    THEN try_cast(try_cast(x AS DECIMAL(18, 4)) AS INTEGER)
END;

-- Dollars of one call. The bound keeps sums of any number of calls within what the store can hold.
CREATE OR REPLACE MACRO usd_of(x) AS CASE
    WHEN x = '0.00000000' THEN 0::DECIMAL(18, 8)
    WHEN NOT contains(x, '_') AND abs(try_cast(x AS DECIMAL(18, 8))) <= 10000 THEN try_cast(x AS DECIMAL(18, 8))
END;

-- True where a text is there, says something, and yet gave no value.
CREATE OR REPLACE MACRO unread(x, value) AS CASE
    WHEN value IS NULL THEN lower(text_of(x)) NOT IN ('', 'n/a', 'null') ELSE FALSE
END;

-- A number as digits without '+'; what is not a number ('anonymous') stays as it is.
CREATE OR REPLACE MACRO number_of(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]*') THEN x
    WHEN regexp_full_match(x, '[+][0-9]+') THEN x[2:]
    WHEN regexp_full_match(x, '[+]?[0-9 ().-]*[0-9][0-9 ().-]*') THEN regexp_replace(x, '[^0-9]', '', 'g')
    ELSE x
END;

CREATE OR REPLACE MACRO is_ipv4(x) AS regexp_full_match(
    x, '((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
);

-- RFC 4291, section 2.2: eight groups, or fewer around one '::'.
CREATE OR REPLACE MACRO is_ipv6(x) AS regexp_full_match(x, '([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}') OR (
    regexp_full_match(x, '(([0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4})?::(([0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4})?')
    AND (length(x) - length(replace(x, ':', '')) <= 7 OR ends_with(x, '::') OR starts_with(x, '::'))
);

-- An IPv4 address that is written as an IPv6 one is the IPv4 one.
CREATE OR REPLACE MACRO ipv4_in(x) AS CASE
    WHEN starts_with(x, '::ffff:') AND is_ipv4(substr(x, 8)) THEN substr(x, 8)
END;

CREATE OR REPLACE MACRO ipv6_of(x) AS coalesce(ipv4_in(x), CASE WHEN is_ipv6(x) THEN x END);

-- 'address:port' as most files have it: IPv4, and a port of four digits or fewer.
CREATE OR REPLACE MACRO is_plain_pair(x) AS regexp_full_match(
    x, '((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]):[0-9]{1,4}'
);

-- 'address', 'address:port' or '[address]:port' as {ip, port}; ip is NULL where it is no address.
CREATE OR REPLACE MACRO address_of(x) AS CASE
    WHEN is_ipv4(split_part(x, ':', 1)) THEN {'ip': split_part(x, ':', 1), 'port': substr(x, strpos(x || ':', ':') + 1)}
    WHEN strpos(x, ':') = 0 THEN {'ip': NULL, 'port': ''}
    WHEN left(x, 1) = '[' AND ipv6_of(lower(split_part(substr(x, 2), ']', 1))) IS NOT NULL
    THEN {'ip': ipv6_of(lower(split_part(substr(x, 2), ']', 1))), 'port': ltrim(split_part(x, ']', 2), ':')}
    WHEN ipv6_of(lower(x)) IS NOT NULL THEN {'ip': ipv6_of(lower(x)), 'port': ''}
    ELSE {'ip': NULL, 'port': ''}
END;

CREATE OR REPLACE MACRO port_of(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]{1,5}') AND try_cast(x AS INTEGER) <= 65535 THEN try_cast(x AS INTEGER)
END;
