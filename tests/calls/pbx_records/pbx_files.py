"""Builders of CDR files of PBXs in the formats of Asterisk and FreeSWITCH."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from dashboard import schemas
from dashboard.calls.pbx_records.record_source import RecordOrigin
from dashboard.sip import Trunk
from tests.builders import frame, pbx

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PREFIX = "12345678"
CALLED = "12065550100"
UUID = "0a1b2c3d-0000-4000-8000-00000000000"


def origin(
    zone: str = "UTC", *, pbx_id: str = "denver", config: list[dict[str, Any]] | None = None, **more: Any
) -> RecordOrigin:
    """Return the origin of records: a PBX of the inventory in a time zone, on an account with a known tech prefix."""
    pbxs = frame(schemas.PBXS, [pbx("denver", timezone="America/Denver"), pbx("seattle")])
    known: pd.DataFrame = frame(schemas.PBX_CONFIG, config or [])
    account = Trunk.of(PREFIX, [("us-west-or.sip.flowroute.com", "")])
    return RecordOrigin.of(pbx_id, pbxs=pbxs, pbx_config=known, account=account, now=NOW, zone=zone, **more)


def quoted(*cells: object) -> str:
    """Format a line as Asterisk does: texts in quotes with quotes doubled, numbers bare."""
    written = [
        str(cell) if isinstance(cell, int) else '"' + cell.replace('"', '""') + '"' for cell in map(_text, cells)
    ]
    return ",".join(written) + "\n"


def _text(cell: object) -> Any:
    return cell if isinstance(cell, int) else str(cell)


def master(start: str = "2026-11-02 12:00:00", **changed: Any) -> str:
    """Return a line of Master.csv: an answered call of a minute over the trunk; arguments override fields."""
    row = {
        "account": "",
        "source": "13035550100",
        "destination": CALLED,
        "context": "office",
        "caller": '"Front desk" <13035550100>',
        "channel": "PJSIP/101-00000001",
        "to_channel": "PJSIP/flowroute-00000002",
        "application": "Dial",
        "data": f"PJSIP/{PREFIX}*{CALLED}@flowroute,20",
        "start": start,
        "answer": start,
        "end": start,
        "duration": 66,
        "billed": 60,
        "disposition": "ANSWERED",
        "flags": "DOCUMENTATION",
        "more": (),
    } | changed
    return quoted(*list(row.values())[:-1], *row["more"])


def refused(start: str = "2026-11-02 12:00:00", **changed: Any) -> str:
    """Return the line of Master.csv that a refusal by the carrier produces."""
    return master(start, **({"answer": "", "duration": 0, "billed": 0, "disposition": "NO ANSWER"} | changed))


def switched(fields: list[str], **changed: Any) -> str:
    """Return a line of FreeSWITCH by the fields of a template, every one quoted and nothing escaped."""
    row = {
        "caller_id_number": "13035550100",
        "destination_number": f"{PREFIX}*{CALLED}",
        "start_stamp": "2026-11-02 12:00:00",
        "answer_stamp": "2026-11-02 12:00:06",
        "end_stamp": "2026-11-02 12:01:06",
        "duration": "66",
        "billsec": "60",
        "hangup_cause": "NORMAL_CLEARING",
        "uuid": f"{UUID}1",
    } | changed
    return ",".join(f'"{row.get(field, "")}"' for field in fields) + "\n"
