-- How the text of an export file becomes values. NULL means: this text cannot be read as one.

-- Text, without the blanks around it, never NULL. Most texts have none, and to look is cheaper than to trim.
CREATE OR REPLACE MACRO text_of(x) AS coalesce(CASE
    WHEN ascii(x) < 33 OR ends_with(x, chr(32)) OR ends_with(x, chr(9)) OR ends_with(x, chr(10)) OR ends_with(x, chr(13))
    THEN trim(x, chr(32) || chr(9) || chr(10) || chr(13))
    ELSE x
END, '');

-- UTC, whole seconds. '2026-11-23 14:05:00+00' is the documented form and is tried first. What the engine takes between
-- date and time in a file of typed columns is taken here, too.
CREATE OR REPLACE MACRO utc_of(x) AS CASE
    WHEN length(x) = 22 AND substr(x, 17, 1) = ':' AND suffix(x, '+00') AND try_cast(left(x, 19) AS TIMESTAMP) IS NOT NULL
    THEN try_cast(left(x, 19) AS TIMESTAMP)
    WHEN regexp_full_match(text_of(x), '\d{4}-\d\d?-\d\d?[T ][\s\v]*\d\d?:\d\d?(:\d\d?([.]\d+)?)?')
    THEN date_trunc('second', try_cast(text_of(x) AS TIMESTAMP))
    WHEN regexp_full_match(
        text_of(x), '\d{4}-\d\d?-\d\d?[T ][\s\v]*\d\d?:\d\d?(:\d\d?([.]\d+)?)? ?([zZ]|UTC|[+-](0\d|1[0-4])(:?[0-5]\d)?)'
    )
    THEN date_trunc('second', try_cast(
        replace(replace(replace(upper(text_of(x)), ' +', '+'), ' -', '-'), ' UTC', 'Z') AS TIMESTAMPTZ
    ) AT TIME ZONE 'UTC')
END;

-- A whole number that is not negative, in any form that the engine takes in a file of typed columns.
CREATE OR REPLACE MACRO whole_of(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]{1,9}') THEN try_cast(x AS INTEGER)
    WHEN try_cast(x AS DECIMAL(18, 9)) >= 0 AND try_cast(x AS DECIMAL(18, 9)) % 1 = 0
    THEN try_cast(try_cast(x AS DECIMAL(18, 9)) AS INTEGER)
END;

-- Dollars of one call; a negative amount is a credit, and lowers sums. The bound keeps sums of any number of calls
-- within what the store can hold.
CREATE OR REPLACE MACRO usd_of(x) AS CASE
    WHEN x = '0.00000000' THEN 0::DECIMAL(18, 8)
    WHEN abs(try_cast(x AS DECIMAL(18, 8))) <= 10000 THEN try_cast(x AS DECIMAL(18, 8))
END;

-- True where a text is there, says something, and yet gave no value.
CREATE OR REPLACE MACRO unread(x, value) AS CASE
    WHEN value IS NULL THEN lower(text_of(x)) NOT IN ('', 'n/a', 'null') ELSE FALSE
END;

-- A number as digits without '+'; what is not a number ('anonymous') stays as it is.
CREATE OR REPLACE MACRO number_of(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]*') THEN x
    WHEN regexp_full_match(x, '[+][0-9]+') THEN x[2:]
    -- A spreadsheet took it for a number with a fraction.
    WHEN regexp_full_match(x, '[+]?[0-9]+[.]0*') THEN regexp_extract(x, '[0-9]+')
    WHEN regexp_full_match(x, '[+]?[0-9 ().-]*[0-9][0-9 ().-]*') THEN regexp_replace(x, '[^0-9]', '', 'g')
    ELSE x
END;

-- No call comes from 0.0.0.0/8 (RFC 6890), however it is written.
CREATE OR REPLACE MACRO is_ipv4(x) AS regexp_full_match(
    x, '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)([.](25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}'
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

-- The eight groups of an IPv6 address without leading zeros, ':' between them.
CREATE OR REPLACE MACRO said_groups(x) AS list_filter(string_split(x, ':'), lambda part: part <> '');
CREATE OR REPLACE MACRO groups_of(x) AS array_to_string(list_transform(
    said_groups(split_part(x, '::', 1))
    || list_transform(range(8 - len(said_groups(x))), lambda nth: '0')
    || said_groups(split_part(x, '::', 2)),
    lambda part: coalesce(nullif(ltrim(part, '0'), ''), '0')
), ':');

-- RFC 5952, section 4.2: the first of the longest runs of zero groups becomes '::'; one group alone does not.
CREATE OR REPLACE MACRO short_of(groups) AS CASE
    WHEN regexp_matches(groups, '(^|:)0(:0){7}') THEN '::'
    WHEN regexp_matches(groups, '(^|:)0(:0){6}(:|$)') THEN regexp_replace(groups, '(^|:)0(:0){6}(:|$)', '::')
    WHEN regexp_matches(groups, '(^|:)0(:0){5}(:|$)') THEN regexp_replace(groups, '(^|:)0(:0){5}(:|$)', '::')
    WHEN regexp_matches(groups, '(^|:)0(:0){4}(:|$)') THEN regexp_replace(groups, '(^|:)0(:0){4}(:|$)', '::')
    WHEN regexp_matches(groups, '(^|:)0(:0){3}(:|$)') THEN regexp_replace(groups, '(^|:)0(:0){3}(:|$)', '::')
    WHEN regexp_matches(groups, '(^|:)0(:0){2}(:|$)') THEN regexp_replace(groups, '(^|:)0(:0){2}(:|$)', '::')
    ELSE regexp_replace(groups, '(^|:)0:0(:|$)', '::')
END;

CREATE OR REPLACE MACRO byte_of(pair, shift) AS (('0x' || pair)::INTEGER >> shift) & 255;

-- The last two groups as an IPv4 address.
CREATE OR REPLACE MACRO dotted(groups) AS concat_ws('.',
    byte_of(split_part(groups, ':', 7), 8), byte_of(split_part(groups, ':', 7), 0),
    byte_of(split_part(groups, ':', 8), 8), byte_of(split_part(groups, ':', 8), 0)
);

CREATE OR REPLACE MACRO written(groups) AS CASE
    WHEN regexp_full_match(groups, '0:0:0:0:0:(0:0:0|ffff:[0-9a-f]{1,2}:[0-9a-f]{1,4})') THEN NULL
    WHEN starts_with(groups, '0:0:0:0:0:ffff:') THEN dotted(groups) ELSE short_of(groups)
END;

-- One address has one text: the IPv4 one where it holds one, else that of RFC 5952. What is named more than once
-- is handed on by a lambda, which works it out, and plans it, once.
CREATE OR REPLACE MACRO ipv6_of(x) AS list_transform([x], lambda said: coalesce(
    ipv4_in(said),
    CASE WHEN is_ipv6(said) THEN list_transform([groups_of(said)], lambda groups: written(groups))[1] END
))[1];

-- 'address:port' as most files have it: IPv4, and a port of four digits or fewer.
CREATE OR REPLACE MACRO is_plain_pair(x) AS regexp_full_match(
    x, '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)([.](25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}:[0-9]{1,4}'
);

-- 'address', 'address:port' or '[address]:port' as {ip, port}; ip is NULL where it is no address.
CREATE OR REPLACE MACRO address_of(x) AS CASE
    WHEN is_ipv4(split_part(x, ':', 1)) THEN {'ip': split_part(x, ':', 1), 'port': substr(x, strpos(x || ':', ':') + 1)}
    WHEN strpos(x, ':') = 0 THEN {'ip': NULL, 'port': ''}
    ELSE list_transform(
        [ipv6_of(lower(CASE WHEN left(x, 1) = '[' AND contains(x, ']') THEN split_part(substr(x, 2), ']', 1) ELSE x END))],
        lambda ip: {'ip': ip, 'port': CASE WHEN ip IS NULL THEN '' ELSE ltrim(split_part(x, ']', 2), ':') END}
    )[1]
END;

CREATE OR REPLACE MACRO port_of(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]{1,5}') AND try_cast(x AS INTEGER) <= 65535 THEN try_cast(x AS INTEGER)
END;

-- Days since 1970, as a number beside the hashes of rows.
CREATE OR REPLACE MACRO day_number(day) AS (day - DATE '1970-01-01')::UBIGINT;
