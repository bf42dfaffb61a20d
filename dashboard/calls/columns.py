"""
The columns of the carrier's export file: which are needed, and what it means when one cannot be read.

Source: the carrier's published sample header (25 columns) and a customer's view with four more.
They are matched by name; the order does not matter, other columns are ignored.
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
"""Without one of these no call could be judged, attributed or counted."""

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
_USD = "is not an amount in dollars, 10,000 at most"

FAULTS = {
    "direction": "is neither Outbound nor Inbound",
    "start_time": _TIME,
    "end_time": _TIME,
    "call_fail_sip_code": "is not a SIP status from 100 to 699",
    "duration": _WHOLE,
    "billed_duration": _WHOLE,
    "first_increment": _WHOLE,
    "subsequent_increment": _WHOLE,
    "customer_ip": "is not an IP address, alone or with a port",
    "total_cost": _USD,
    "rate": _USD,
    "cost_subtotal": _USD,
    "connect_fee": _USD,
    "usf_fee": _USD,
    "ccrf": _USD,
    "cnam_lookup_fee": _USD,
}
"""By column: what is wrong with a value that cannot be read. ``sql/stage.sql`` finds them."""

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
"""What the documented columns become, with their types on disk. Times are UTC without a zone."""

PARTS: dict[str, dict[str, str]] = {
    "calls": STORED | {"outcome": "VARCHAR", "sip_call_id": "VARCHAR", "call_key": "VARCHAR"},
    "staged": STORED
    | {"outcome": "VARCHAR", "sip_call_id": "VARCHAR", "cdr_id": "VARCHAR", "row_digest": "VARCHAR"}
    | {"file_no": "INTEGER", "line": "BIGINT", "fault": "VARCHAR"},
    "traffic": {
        "hour_at": "TIMESTAMP",
        "direction": "VARCHAR",
        "source_ip": "VARCHAR",
        "x_tag": "VARCHAR",
        "number": "VARCHAR",
        "outcome": "VARCHAR",
        "sip_status": "SMALLINT",
        "zone": "VARCHAR",
        "calls": "BIGINT",
        "duration_s": "BIGINT",
        "billed_s": "BIGINT",
        "cost_usd": "DECIMAL(18,8)",
        "first_at": "TIMESTAMP",
        "last_at": "TIMESTAMP",
    },
}
"""Kinds of Parquet parts, with their columns and types."""


def row_digest_sql(alias: str) -> str:
    """
    Return a SQL expression: 16 hex digits over every documented column as stored.

    Two rows have the same digest where they say the same, however their files wrote it.

    Args:
        alias: Name of the relation that holds the columns of ``STORED``.
    """
    texts = ", ".join(f"coalesce({alias}.{name}::VARCHAR, '')" for name in STORED)
    return f"md5(concat_ws(chr(31), {texts}))[:16]"
