"""
The contract of every frame: columns, dtypes, units. ``conform`` is the one door.

Text is ``str`` and never missing: what is absent is ``""``, and a replacement character stands for each character
that a reader cannot see. Times are UTC timestamps in
microseconds, ``NaT`` where absent. Money is decimal(18,8) in USD. Counts are ``Int64``.
Inside the house nobody checks columns, dtypes or time zones again.
"""

from __future__ import annotations

from functools import cache

import pandas as pd

from dashboard.core.errors import TableError
from dashboard.core.text import counted, visible
from dashboard.schemas.contract import FLAG, MONEY, TEXT, TIME, USD, UTC_TIME, WHOLE
from dashboard.schemas.contract import schema as _schema
from dashboard.schemas.object_types import ObjectType
from dashboard.schemas.outcomes import (
    ADMISSION,
    DIRECTIONS,
    FILE_ONLY,
    NOTHING,
    OUTCOME_LABELS,
    OUTCOMES,
    PROVENANCE,
    PROVES,
    REFUSAL,
)
from dashboard.schemas.pandera_import import pa
from dashboard.schemas.pbx_records import PBX_ATTEMPTS, PBX_CALLS, PBX_RECORDS

__all__ = [
    "ADMISSION",
    "ALLOWED_IPS",
    "CALLS",
    "CALL_PATTERNS",
    "DIRECTIONS",
    "EDGES",
    "ENTRY_PERIODS",
    "FILE_ONLY",
    "FLAG",
    "FRAMES",
    "LIMITS",
    "LOSS_REVIEWS",
    "MONEY",
    "NOTHING",
    "NUMBERS",
    "OUTCOMES",
    "OUTCOME_LABELS",
    "PAST_ALLOWED_IPS",
    "PBXS",
    "PBX_ADDRESSES",
    "PBX_ATTEMPTS",
    "PBX_CALLS",
    "PBX_CONFIG",
    "PBX_NUMBERS",
    "PBX_RECORDS",
    "PROVENANCE",
    "PROVES",
    "REFUSAL",
    "RESOLVED_HOSTS",
    "ROUTES",
    "TEXT",
    "TIME",
    "TRAFFIC",
    "USD",
    "UTC_TIME",
    "WHOLE",
    "conform",
    "empty",
]

ALLOWED_IPS = _schema(
    "allowed_ips",
    {
        "network": TEXT,
        "label?": TEXT,
        "added_at?": TIME,
        "added_by?": TEXT,
        "owner?": TEXT,
        "purpose?": TEXT,
        "review_by?": TIME,
        "role?": TEXT,
        "known_by?": TEXT,
    },
    role=("active", "standby", ""),
    known_by=("carrier", "operator", ""),
)
"""A row is an entry of Outbound Allowed IPs. ``network`` is an address or CIDR text."""

PAST_ALLOWED_IPS = _schema(
    "past_allowed_ips",
    {
        "network": TEXT,
        "label?": TEXT,
        "added_at": TIME,
        "added_by?": TEXT,
        "owner?": TEXT,
        "purpose?": TEXT,
        "review_by?": TIME,
        "role?": TEXT,
        "removed_at": TIME,
    },
)
"""A row is an entry that was removed from Outbound Allowed IPs."""

ENTRY_PERIODS = _schema(
    "entry_periods",
    {
        "network": TEXT,
        "since": TIME,
        "since_known_by": TEXT,
        "added_by?": TEXT,
        "until?": TIME,
    },
    since_known_by=("carrier", "journal", "first_seen"),
)
"""A row is a time during which an entry was on the list, by this product's records; ``until`` is absent while it is."""

PBXS = _schema(
    "pbxs",
    {
        "pbx_id": TEXT,
        "name": TEXT,
        "site?": TEXT,
        "timezone?": TEXT,
        "vendor?": TEXT,
        "ip_kind": TEXT,
        "auth_method?": TEXT,
        "dials_prefix?": TEXT,
        "x_tag?": TEXT,
        "pop?": TEXT,
        "inbound_host?": TEXT,
        "owner?": TEXT,
        "status": TEXT,
    },
    absent={"auth_method": "unknown"},
    ip_kind=("static", "dynamic"),
    auth_method=("ip", "credentials", "both", "unknown"),
    dials_prefix=("yes", "no", "unknown", ""),
    status=("active", "standby", "retired"),
)
"""
A row is a phone system. ``inbound_host`` is where calls for it should be routed, ``host[:port]``. ``auth_method`` is
``unknown`` where nothing was recorded.
"""

PBX_ADDRESSES = _schema(
    "pbx_addresses",
    {"pbx_id": TEXT, "address": TEXT, "kind?": TEXT, "source?": TEXT, "valid_from?": TIME, "valid_to?": TIME},
    kind=("primary", "failover", ""),
    source=("declared", "configured", "observed", ""),
)
"""A row is an egress address of a PBX, valid in [valid_from, valid_to); ``NaT`` is open on that side."""

PBX_NUMBERS = _schema("pbx_numbers", {"pbx_id": TEXT, "number": TEXT})
"""A row is a DID (digits, no ``+``) that a PBX should receive."""

PBX_CONFIG = _schema(
    "pbx_config",
    {
        "pbx_id": TEXT,
        "object_type": TEXT,
        "object_name?": TEXT,
        "attribute": TEXT,
        "value": TEXT,
        "file?": TEXT,
        "line?": WHOLE,
    },
    object_type=tuple(each.value for each in ObjectType),
)
"""A row is a fact read from a PBX: a value of an attribute of an object. Never a password."""

NUMBERS = _schema(
    "numbers",
    {"number": TEXT, "alias?": TEXT, "number_type?": TEXT, "route_id?": TEXT, "failover_route_id?": TEXT},
)
"""A row is a DID of the account; ``route_id`` is ``""`` where unassigned, ``0`` for SIP registration."""

ROUTES = _schema(
    "routes", {"route_id": TEXT, "alias?": TEXT, "route_type": TEXT, "value?": TEXT, "edge_strategy_id?": TEXT}
)
"""A row is an inbound route; ``route_type`` is ``sip-reg``, ``host``, ``uri`` or ``number``."""

RESOLVED_HOSTS = _schema("resolved_hosts", {"host": TEXT, "address": TEXT, "resolved_at": TIME})
"""A row is an address that the host name of a route or a PBX resolved to, and when it was last looked up."""

EDGES = _schema("edges", {"edge_strategy_id": TEXT, "name": TEXT, "host?": TEXT, "description?": TEXT, "ranges?": TEXT})
"""A row is a PoP; ``ranges`` are the networks to let in, comma separated."""

LIMITS = _schema("limits", {"key": TEXT, "value": TEXT})
"""A row is a declared restriction of the portal."""

CALLS = _schema(
    "calls",
    {
        "call_key": TEXT,
        "direction": TEXT,
        "started_at": TIME,
        "ended_at": TIME,
        "destination": TEXT,
        "caller_id": TEXT,
        "number_alias": TEXT,
        "destination_name": TEXT,
        "caller_id_country": TEXT,
        "line_information": TEXT,
        "result": TEXT,
        "sip_status": WHOLE,
        "sip_reason": TEXT,
        "outcome": TEXT,
        "duration_s": WHOLE,
        "billed_s": WHOLE,
        "rate_usd_per_min": USD,
        "first_increment_s": WHOLE,
        "next_increment_s": WHOLE,
        "subtotal_usd": USD,
        "connect_fee_usd": USD,
        "usf_fee_usd": USD,
        "ccrf_usd": USD,
        "cnam_fee_usd": USD,
        "cost_usd": USD,
        "x_tag": TEXT,
        "source_ip": TEXT,
        "source_port": WHOLE,
        "sip_call_id?": TEXT,
        "pbx_id?": TEXT,
        "attributed_by?": TEXT,
        "provenance?": TEXT,
    },
    direction=DIRECTIONS,
    outcome=OUTCOMES,
    provenance=PROVENANCE,
)
"""
A row is a CDR. Numbers are digits without ``+``; ``cost_usd`` is all-in; ``started_at`` has whole seconds.

``pbx_id`` is the PBX that the call is attributed to; of PBXs that share its address, all their ids joined by ``|``.
"""

TRAFFIC = _schema(
    "traffic",
    {
        "hour_at": TIME,
        "direction": TEXT,
        "source_ip": TEXT,
        "x_tag": TEXT,
        "number": TEXT,
        "outcome": TEXT,
        "sip_status": WHOLE,
        "sip_reason?": TEXT,
        "zone": TEXT,
        "calls": WHOLE,
        "short_calls?": WHOLE,
        "duration_s": WHOLE,
        "billed_s": WHOLE,
        "cost_usd": USD,
        "first_at": TIME,
        "last_at": TIME,
        "pbx_id?": TEXT,
        "attributed_by?": TEXT,
        "provenance?": TEXT,
    },
    direction=DIRECTIONS,
    outcome=OUTCOMES,
    provenance=PROVENANCE,
)
"""
A row is hour x direction x source address x X-Tag x number x outcome x SIP status x SIP reason x zone.

``number`` is the account's: the number dialed of an inbound call; the caller ID of an outbound call without an X-Tag
if it is a number of the account or the inventory; else ``""``. Roll-ups of days past retention keep the list of numbers
that they were made with. ``zone`` is the carrier's ``destination_name``. ``[first_at, last_at]``
never straddles an instant at which the policy changed (``calls.store.CallStore.traffic``).
"""

CALL_PATTERNS = _schema(
    "call_patterns",
    {
        "direction": TEXT,
        "source_ip": TEXT,
        "x_tag": TEXT,
        "number": TEXT,
        "outcome": TEXT,
        "zone": TEXT,
        "hour": WHOLE,
        "calls": WHOLE,
        "first_at": TIME,
        "last_at": TIME,
        "pbx_id?": TEXT,
        "attributed_by?": TEXT,
    },
    direction=DIRECTIONS,
    outcome=OUTCOMES,
)
"""
A row is source address x X-Tag x number x outcome x zone x hour of the day (UTC, 0 to 23) of outbound calls: what a
source that only claims to be a PBX is compared by. ``number`` as in TRAFFIC.
"""

LOSS_REVIEWS = _schema(
    "loss_reviews",
    {
        "subject": TEXT,
        "calls": WHOLE,
        "cost_usd": USD,
        "last_at": TIME,
        "evidence_digest": TEXT,
        "reviewed_by": TEXT,
        "reviewed_at": TIME,
    },
)
"""A row is one review of a source's past loss: what was seen (calls, dollars, the last call), by whom and when."""


def conform(frame: pd.DataFrame, schema: pa.DataFrameSchema, *, source: str) -> pd.DataFrame:
    """
    Bring a frame to its contract, or say in one sentence what is wrong with it.

    Args:
        frame: Any frame with at least the required columns, by name; unknown columns are dropped.
        schema: One of the contracts of this module.
        source: Where the frame came from, for the message.

    Returns:
        A new frame with exactly the contract's columns in its order and a fresh index.

    Raises:
        TableError: A column is missing or holds what it must not; column, row and value are named.
    """
    meta = schema.metadata or {}
    kinds: dict[str, str] = {name.rstrip("?"): kind for name, kind in meta["kinds"].items()}
    missing = [name for name in schema.columns if name not in frame.columns and name not in meta["optional"]]
    if missing:
        raise TableError(f"{source}: column {', '.join(missing)} is missing from {schema.name}.")
    frame = frame.reset_index(drop=True)
    for name, kind in kinds.items():
        if name not in frame.columns:
            frame[name] = "" if kind == TEXT else None
        if kind == TEXT:
            frame[name] = _sanitize(frame[name].astype("str").where(frame[name].notna(), ""))
            if name in meta["absent"]:
                frame[name] = frame[name].replace("", meta["absent"][name])
        elif kind == TIME and pd.api.types.is_string_dtype(frame[name].dropna()):
            frame[name] = _times(frame[name], f"{source}: {schema.name}")
    try:
        valid = schema.validate(frame[list(schema.columns)], lazy=True)
    except pa.errors.SchemaErrors as exc:
        first = exc.failure_cases.iloc[0]
        row = "" if pd.isna(first["index"]) else f", row {int(first['index']) + 1}"
        raise TableError(
            f"{source}: {schema.name}{row}, column {first['column']}: {first['failure_case']!r:.80} is not "
            f"allowed ({counted(len(exc.failure_cases), 'such value')})."
        ) from None
    return valid


def _sanitize(texts: pd.Series) -> pd.Series:
    """Return texts in which nothing is invisible, turns a line around, or is obeyed by a terminal."""
    changed = {text: clean for text in texts.unique() if (clean := visible(text)) != text}
    return texts.replace(changed) if changed else texts


def _times(texts: pd.Series, location: str) -> pd.Series:
    """Read ISO 8601 texts, each by itself: with or without a fraction of a second, they may stand side by side."""
    texts = texts.replace("", None)
    times: pd.Series = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    for row in times.index[times.isna() & texts.notna()][:1]:
        raise TableError(f"{location}, row {row + 1}, column {texts.name}: {texts[row]!r:.80} is not allowed.")
    return times


def empty(schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return a frame of the contract with no rows."""
    return _empty(str(schema.name)).copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    schema = FRAMES[name]
    return conform(pd.DataFrame({column: [] for column in schema.columns}), schema, source=name)


FRAMES: dict[str, pa.DataFrameSchema] = {
    str(schema.name): schema
    for schema in (
        ALLOWED_IPS,
        PAST_ALLOWED_IPS,
        ENTRY_PERIODS,
        PBXS,
        PBX_ADDRESSES,
        PBX_NUMBERS,
        PBX_CONFIG,
        NUMBERS,
        ROUTES,
        RESOLVED_HOSTS,
        EDGES,
        LIMITS,
        CALLS,
        TRAFFIC,
        CALL_PATTERNS,
        LOSS_REVIEWS,
        PBX_CALLS,
        PBX_RECORDS,
        PBX_ATTEMPTS,
    )
}
"""Every contract by its frame's name."""
