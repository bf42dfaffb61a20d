"""The contracts of what PBXs themselves recorded of their calls."""

from __future__ import annotations

from dashboard.schemas.contract import FLAG, TEXT, TIME, WHOLE, schema

PBX_CALLS = schema(
    "pbx_calls",
    {
        "pbx_id": TEXT,
        "started_at": TIME,
        "answered_at": TIME,
        "ended_at": TIME,
        "caller_id": TEXT,
        "destination": TEXT,
        "dialed": TEXT,
        "duration_s": WHOLE,
        "billed_s": WHOLE,
        "disposition": TEXT,
        "answered": FLAG,
        "q850_cause": WHOLE,
        "sip_status": WHOLE,
        "trunk": TEXT,
        "channel": TEXT,
        "unique_id": TEXT,
        "record_key": TEXT,
    },
)
"""
A row is an attempt to call through the carrier's trunk, as the PBX recorded it, by the PBX's own clock.

``destination`` is digits without ``+`` and without the tech prefix, ``dialed`` what the PBX's file has.
``disposition`` is the PBX's own word; ``record_key`` knows the record again in another file.
"""

FATES = ("matched", "missing", "open")

PBX_ATTEMPTS = schema(
    "pbx_attempts",
    {
        "pbx_id": TEXT,
        "fate": TEXT,
        "disposition": TEXT,
        "q850_cause": WHOLE,
        "sip_status": WHOLE,
        "at_once": FLAG,
        "latest": FLAG,
        "attempts": WHOLE,
        "first_at": TIME,
        "last_at": TIME,
    },
    fate=FATES,
)
"""
A row is PBX x fate x disposition x cause, counted; none straddles an instant at which the policy changed.

``matched``: the carrier has a record of it. ``missing``: it has none, of a time whose records are there.
``open``: nobody can tell. ``at_once``: not answered, not busy, and over within seconds. ``latest``: from after the
last attempt of that PBX which the carrier has. Times are by the carrier's clock.
"""

PBX_RECORDS = schema(
    "pbx_records",
    {
        "pbx_id": TEXT,
        "first_at": TIME,
        "last_at": TIME,
        "attempts": WHOLE,
        "compared": WHOLE,
        "skew_s": WHOLE,
        "fault": TEXT,
    },
    fault=("", "clock", "answered"),
)
"""
A row is a PBX of which records were imported, and how they compare with the carrier's.

``compared`` answered calls tell by how many seconds the carrier's clock is ahead of the PBX's (``skew_s``). ``fault``
says why nothing is concluded: the clocks are too far apart, or the carrier does not know calls that were answered.
"""
