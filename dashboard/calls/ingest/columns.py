"""
Columns of the carrier's export file: which are required, and the error text for an unreadable value.

Source: the carrier's published sample header (25 columns) and a customer's view with four more. Columns are matched by
name; order does not matter, and other columns are ignored.
"""

from __future__ import annotations

REQUIRED = (
    "direction",
    "start_time",
    "destination",
    "callerid",
    "total_cost",
    "result",
    "call_fail_sip_code",
    "call_fail_reason",
    "duration",
    "customer_ip",
)
"""Columns without which no call could be evaluated, attributed or counted."""

OPTIONAL = (
    "end_time",
    "number_alias",
    "destination_name",
    "callerid_country",
    "line_information",
    "billed_duration",
    "rate",
    "first_increment",
    "subsequent_increment",
    "cost_subtotal",
    "connect_fee",
    "usf_fee",
    "ccrf",
    "cnam_lookup_fee",
    "custom_x_tag",
    "sip_callid",
    "cdr_id",
)

KNOWN = frozenset(REQUIRED + OPTIONAL)

_TIME = "is not a UTC time between 2000 and now, such as 2026-11-23 14:05:00+00"
_WHOLE = "is not a whole number of seconds"
_USD = "is not an amount in dollars from -10,000, a credit, to 10,000"

FAULTS = {
    "direction": "is neither Outbound nor Inbound",
    "start_time": _TIME,
    "end_time": _TIME,
    "call_fail_sip_code": "is not a SIP status from 100 to 699",
    "duration": _WHOLE,
    "billed_duration": _WHOLE,
    "first_increment": _WHOLE,
    "subsequent_increment": _WHOLE,
    "customer_ip": "is not an IP address that a call can come from, alone or with a port",
    "total_cost": _USD,
    "rate": _USD,
    "cost_subtotal": _USD,
    "connect_fee": _USD,
    "usf_fee": _USD,
    "ccrf": _USD,
    "cnam_lookup_fee": _USD,
}
"""Error text for an unreadable value, by column. ``sql/stage.sql`` finds such values."""

STORED = {
    "direction": "VARCHAR",
    "started_at": "TIMESTAMP",
    "ended_at": "TIMESTAMP",
    "destination": "VARCHAR",
    "caller_id": "VARCHAR",
    "number_alias": "VARCHAR",
    "destination_name": "VARCHAR",
    "caller_id_country": "VARCHAR",
    "line_information": "VARCHAR",
    "result": "VARCHAR",
    "sip_status": "SMALLINT",
    "sip_reason": "VARCHAR",
    "duration_s": "INTEGER",
    "billed_s": "INTEGER",
    "rate_usd_per_min": "DECIMAL(18,8)",
    "first_increment_s": "INTEGER",
    "next_increment_s": "INTEGER",
    "subtotal_usd": "DECIMAL(18,8)",
    "connect_fee_usd": "DECIMAL(18,8)",
    "usf_fee_usd": "DECIMAL(18,8)",
    "ccrf_usd": "DECIMAL(18,8)",
    "cnam_fee_usd": "DECIMAL(18,8)",
    "cost_usd": "DECIMAL(18,8)",
    "x_tag": "VARCHAR",
    "source_ip": "VARCHAR",
    "source_port": "INTEGER",
}
"""Stored columns made from the documented ones, with their types on disk. Times are UTC without a zone."""

SAME_CALL = ("direction", "started_at", "destination", "caller_id", "duration_s", "source_ip", "outcome")
"""Columns in which two records of one call agree."""

KEYS = {"sip_call_id": "VARCHAR", "id": "VARCHAR", "row_hash": "UBIGINT", "nth": "INTEGER"}
"""Identity of a call: the ID in its file, else its row hash and an ordinal among equal rows."""

ATTEMPTS = {
    "pbx_id": "VARCHAR",
    "started_at": "TIMESTAMP",
    "answered_at": "TIMESTAMP",
    "ended_at": "TIMESTAMP",
    **dict.fromkeys(("caller_id", "destination", "dialed"), "VARCHAR"),
    "duration_s": "BIGINT",
    "billed_s": "BIGINT",
    "disposition": "VARCHAR",
    "answered": "BOOLEAN",
    "q850_cause": "BIGINT",
    "sip_status": "BIGINT",
    **dict.fromkeys(("trunk", "channel", "unique_id", "record_key"), "VARCHAR"),
}
"""Calls recorded by PBXs; columns as in ``schemas.PBX_CALLS``."""

PARTS: dict[str, dict[str, str]] = {
    "calls": STORED | {"outcome": "VARCHAR"} | KEYS,
    "staged": STORED | {"outcome": "VARCHAR"} | KEYS | {"part": "VARCHAR", "file_row_number": "BIGINT"},
    "known": STORED | {"outcome": "VARCHAR"} | KEYS | {"part": "VARCHAR", "file_row_number": "BIGINT"},
    "traffic": {
        "hour_at": "TIMESTAMP",
        "direction": "VARCHAR",
        "source_ip": "VARCHAR",
        "x_tag": "VARCHAR",
        "number": "VARCHAR",
        "outcome": "VARCHAR",
        "sip_status": "SMALLINT",
        "sip_reason": "VARCHAR",
        "zone": "VARCHAR",
        "calls": "BIGINT",
        "short_calls": "BIGINT",
        "duration_s": "BIGINT",
        "billed_s": "BIGINT",
        "cost_usd": "DECIMAL(18,8)",
        "first_at": "TIMESTAMP",
        "last_at": "TIMESTAMP",
    },
    "load": {
        "minute_at": "TIMESTAMP",
        "direction": "VARCHAR",
        "calls": "BIGINT",
        "peak_1s": "BIGINT",
        "concurrent": "BIGINT",
    },
    "attempts": ATTEMPTS,
}
"""Kinds of Parquet parts, with their columns and types."""

ROLLED_KEYS = ("direction", "source_ip", "x_tag", "number", "outcome", "sip_status", "sip_reason")
"""Grouping columns of the roll-up at any time step, besides the time."""
ROLLED_SUMS = ("calls", "short_calls", "duration_s", "billed_s", "cost_usd", "first_at", "last_at")

READ_AS = (
    dict.fromkeys(("start_time", "end_time"), "TIMESTAMP")
    | dict.fromkeys(
        ("call_fail_sip_code", "duration", "billed_duration", "first_increment", "subsequent_increment"),
        "DECIMAL(18,9)",
    )
    | dict.fromkeys(
        ("total_cost", "rate", "cost_subtotal", "connect_fee", "usf_fee", "ccrf", "cnam_lookup_fee"), "DECIMAL(18,8)"
    )
)
"""Columns that DuckDB parses itself if a file is in the documented format; it reads all others as text."""


def content_sql(alias: str) -> str:
    """
    Return a SQL expression that hashes every documented column as stored.

    Two rows with equal values have the same hash, however their files wrote them. DuckDB may change the hash function
    in a later version, so hashes are compared within one query only; the stored hash is part of a call's key and is
    never recomputed.

    Args:
        alias: Name of the relation that holds the columns of ``STORED``.
    """
    return f"hash({', '.join(f'{alias}.{name}' for name in STORED)})"


def same_call_sql() -> str:
    """
    Return a SQL expression that hashes what identifies a call in the network, whatever columns its file has.

    A file from the carrier's portal has different columns than an API export, so the same call can differ in
    ``content_sql`` and in its ID; this hash shows that it is in both.
    """
    return f"hash({', '.join(SAME_CALL)})"


def call_key_sql() -> str:
    """Return a SQL expression for the ``call_key`` of a stored call; only generated keys begin with a single ``#``."""
    escaped_id = "CASE WHEN starts_with(id, '#') THEN '#' || id ELSE id END"
    generated_key = "'#' || hex(row_hash) || CASE WHEN nth > 0 THEN '-' || nth ELSE '' END"
    return f"CASE WHEN id <> '' THEN {escaped_id} ELSE {generated_key} END"
