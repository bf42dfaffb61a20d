"""
Asterisk's ``Master.csv``, as written by ``cdr_csv``.

Sixteen fields without a header, then depending on ``cdr_csv.conf`` the unique ID, the user field, and three more. Times
are the PBX's local time unless ``usegmtime=yes``. A refusal by the carrier appears as ``NO ANSWER``: the cause is
available only if the dialplan puts it into the user field or the account code, as ``hangupcause=21`` or ``sip=403``.
Source: Asterisk's ``cdr_csv.c`` and its sample configuration.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboard.calls.pbx_records.records import DialTarget, LineFault, PbxRecord, RecordLayout, split, whole_seconds

DISPOSITIONS = frozenset({"ANSWERED", "NO ANSWER", "NOANSWER", "BUSY", "FAILED", "CONGESTION", "UNKNOWN"})
LEAST = 16
MOST = 21
ACCOUNT = 0
SOURCE = 1
DESTINATION = 2
CHANNEL = 5
TO_CHANNEL = 6
APPLICATION = 7
DATA = 8
START = 9
DURATION = 12
BILLED = 13
DISPOSITION = 14

_UNIQUE = re.compile(r"(?:.*-)?(\d{9,11})\.\d+", re.ASCII)
"""Seconds since 1970 and a counter, after the system name if there is one."""
_CAUSE = re.compile(r"\b(?:hangup_?cause|q\.?850|cause)\s*[=:]\s*(\d{1,3})\b", re.ASCII | re.IGNORECASE)
_STATUS = re.compile(r"\bsip(?:_?(?:status|code))?\s*[=:]\s*([1-6]\d\d)\b", re.ASCII | re.IGNORECASE)
_START = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


class _MasterCsv:
    """Format of ``Master.csv``."""

    name = "Asterisk's cdr_csv"

    def cells(self, line: str) -> list[str]:
        """See ``RecordLayout``."""
        return split(line)

    def record(self, cells: Sequence[str]) -> PbxRecord | LineFault | None:
        """See ``RecordLayout``."""
        if not LEAST <= len(cells) <= MOST:
            return LineFault(
                "", f"Asterisk writes {LEAST} to {MOST} fields, and it has {len(cells)}. Is a quote left open?"
            )
        if cells[DISPOSITION] not in DISPOSITIONS:
            return LineFault(
                "disposition", "It is not a disposition that Asterisk writes, such as ANSWERED or NO ANSWER."
            )
        duration = whole_seconds(cells[DURATION])
        billed = whole_seconds(cells[BILLED])
        if duration is None or billed is None:
            return LineFault("duration" if duration is None else "billsec", "It is not a whole number of seconds.")
        targets = _targets(cells)
        if not targets:
            return None
        unique = next((text for text in cells[LEAST:] if _UNIQUE.fullmatch(text)), "")
        unique_match = _UNIQUE.fullmatch(unique)
        user_fields = " ".join([*cells[LEAST:], cells[ACCOUNT]])
        return PbxRecord(
            started=cells[START],
            targets=targets,
            caller_id=cells[SOURCE],
            disposition=cells[DISPOSITION],
            answered=cells[DISPOSITION] == "ANSWERED",
            duration_s=duration,
            billed_s=billed,
            unique_id=unique,
            channel=cells[TO_CHANNEL],
            q850_cause=_number(_CAUSE, user_fields),
            sip_status=_number(_STATUS, user_fields),
            epoch_s=int(unique_match[1]) if unique_match else None,
        )


def recognize(lines: Sequence[str]) -> RecordLayout | None:
    """Return the format if the first lines of a file match it."""
    form = _MasterCsv()
    for cells in map(form.cells, lines):
        if LEAST <= len(cells) <= MOST and _START.fullmatch(cells[START]) and cells[DISPOSITION] in DISPOSITIONS:
            return form
    return None


def _targets(cells: Sequence[str]) -> tuple[DialTarget, ...]:
    """Return the dial targets: the arguments of ``Dial``, else the channel created for the call."""
    trunk = cells[TO_CHANNEL].partition("/")[2].rpartition("-")[0]
    if cells[APPLICATION].lower() != "dial":
        return (DialTarget(cells[DESTINATION], cells[DESTINATION], trunk),) if trunk else ()
    legs = re.split(r"[,|]", cells[DATA], maxsplit=1)[0].split("&")
    targets = [_leg(leg.strip()) for leg in legs if "/" in leg]
    return tuple(sorted(targets, key=lambda target: target.trunk != trunk))


def _leg(leg: str) -> DialTarget:
    """Parse ``PJSIP/USER@TRUNK``, ``PJSIP/TRUNK/sip:USER@HOST`` or ``SIP/TRUNK/USER``."""
    head, _, tail = leg.partition("/")[2].partition("/")
    if not tail:
        user, _, trunk = head.partition("@")
        return DialTarget(leg, user, trunk, trunk.partition(":")[0])
    uri = re.sub(r"^sips?:", "", tail, flags=re.IGNORECASE)
    user, _, host = uri.partition("@")
    return DialTarget(leg, user.partition(";")[0], head, re.split(r"[:;]", host, maxsplit=1)[0])


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return int(match[1]) if match else None
