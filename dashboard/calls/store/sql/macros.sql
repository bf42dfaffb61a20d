-- Macros that convert the text of an export file to values. NULL means that the text is not a valid value.

-- Text without surrounding blanks; '' for NULL. Most texts have no blanks, and testing for them is cheaper than
-- trimming.
CREATE OR REPLACE MACRO text_of(x) AS coalesce(CASE
    WHEN ascii(x) < 33 OR ends_with(x, chr(32)) OR ends_with(x, chr(9)) OR ends_with(x, chr(10)) OR ends_with(x, chr(13))
    THEN trim(x, chr(32) || chr(9) || chr(10) || chr(13))
    ELSE x
END, '');

-- Time in UTC, truncated to whole seconds; a time without a zone is UTC. '2026-11-23 14:05:00+00' is the documented
-- form and is tried first. The separators between date and time are those that DuckDB accepts in a file of typed
-- columns.
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

-- Non-negative integer, in any form that DuckDB accepts in a file of typed columns.
CREATE OR REPLACE MACRO whole_of(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]{1,9}') THEN try_cast(x AS INTEGER)
    WHEN try_cast(x AS DECIMAL(18, 9)) >= 0 AND try_cast(x AS DECIMAL(18, 9)) % 1 = 0
    THEN try_cast(try_cast(x AS DECIMAL(18, 9)) AS INTEGER)
END;

-- Amount of one call in USD; a negative amount is a credit and lowers sums. The limit of 10,000 keeps sums of calls
-- within the range of the stored type.
CREATE OR REPLACE MACRO usd_of(x) AS CASE
    WHEN x = '0.00000000' THEN 0::DECIMAL(18, 8)
    WHEN abs(try_cast(x AS DECIMAL(18, 8))) <= 10000 THEN try_cast(x AS DECIMAL(18, 8))
END;

-- TRUE if a text is not empty and not a placeholder for a missing value, but was not converted to a value.
CREATE OR REPLACE MACRO unread(x, value) AS CASE
    WHEN value IS NULL THEN lower(text_of(x)) NOT IN ('', 'n/a', 'null') ELSE FALSE
END;

-- Telephone number as digits without '+'; a text that is not a number ('anonymous') is unchanged.
CREATE OR REPLACE MACRO number_of(x) AS CASE
    WHEN regexp_full_match(x, '[0-9]*') THEN x
    WHEN regexp_full_match(x, '[+][0-9]+') THEN x[2:]
    -- Written by a spreadsheet as a number with decimal places.
    WHEN regexp_full_match(x, '[+]?[0-9]+[.]0*') THEN regexp_extract(x, '[0-9]+')
    WHEN regexp_full_match(x, '[+]?[0-9 ().-]*[0-9][0-9 ().-]*') THEN regexp_replace(x, '[^0-9]', '', 'g')
    ELSE x
END;

-- IPv4 address without leading zeros, except 0.0.0.0/8: no call comes from there (RFC 6890).
CREATE OR REPLACE MACRO is_ipv4(x) AS regexp_full_match(
    x, '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)([.](25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}'
);

-- IPv6 address in lower case (RFC 4291, section 2.2): eight groups, or fewer around one '::'.
CREATE OR REPLACE MACRO is_ipv6(x) AS regexp_full_match(x, '([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}') OR (
    regexp_full_match(x, '(([0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4})?::(([0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4})?')
    AND (length(x) - length(replace(x, ':', '')) <= 7 OR ends_with(x, '::') OR starts_with(x, '::'))
);

-- IPv4 address within an IPv4-mapped IPv6 address in mixed notation, such as '::ffff:198.51.100.24'.
CREATE OR REPLACE MACRO ipv4_in(x) AS CASE
    WHEN starts_with(x, '::ffff:') AND is_ipv4(substr(x, 8)) THEN substr(x, 8)
END;

-- The eight groups of an IPv6 address without leading zeros, separated by ':'.
CREATE OR REPLACE MACRO said_groups(x) AS list_filter(string_split(x, ':'), lambda part: part <> '');
CREATE OR REPLACE MACRO groups_of(x) AS array_to_string(list_transform(
    said_groups(split_part(x, '::', 1))
    || list_transform(range(8 - len(said_groups(x))), lambda nth: '0')
    || said_groups(split_part(x, '::', 2)),
    lambda part: coalesce(nullif(ltrim(part, '0'), ''), '0')
), ':');

-- Short form (RFC 5952, section 4.2): '::' replaces the first of the longest runs of zero groups, but not a single
-- group.
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

-- Canonical text of eight groups: an IPv4 address if it is IPv4-mapped, else the short form. NULL for the unspecified
-- address and for 0.0.0.0/8.
CREATE OR REPLACE MACRO written(groups) AS CASE
    WHEN regexp_full_match(groups, '0:0:0:0:0:(0:0:0|ffff:[0-9a-f]{1,2}:[0-9a-f]{1,4})') THEN NULL
    WHEN starts_with(groups, '0:0:0:0:0:ffff:') THEN dotted(groups) ELSE short_of(groups)
END;

-- Canonical text of an IPv6 address: the IPv4 address if it is IPv4-mapped, else the form of RFC 5952. A lambda passes
-- on each expression that is used more than once, so that DuckDB plans and evaluates it once.
CREATE OR REPLACE MACRO ipv6_of(x) AS list_transform([x], lambda said: coalesce(
    ipv4_in(said),
    CASE WHEN is_ipv6(said) THEN list_transform([groups_of(said)], lambda groups: written(groups))[1] END
))[1];

-- 'address:port' in the most common form: IPv4, and a port of at most four digits.
CREATE OR REPLACE MACRO is_plain_pair(x) AS regexp_full_match(
    x, '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)([.](25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}:[0-9]{1,4}'
);

-- 'address', 'address:port' or '[address]:port' as {ip, port}; ip is NULL if the text holds no address.
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

-- Days since 1970, in the type of row hashes: merge.sql uses both in one column.
CREATE OR REPLACE MACRO day_number(day) AS (day - DATE '1970-01-01')::UBIGINT;
