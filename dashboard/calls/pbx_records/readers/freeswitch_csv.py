"""
FreeSWITCH's ``mod_cdr_csv``, in the templates it ships with or in a custom one.

The dial string of a trunk appears only in records of the B leg (``legs=b`` or ``ab``: its ``destination_number``), in
``last_arg`` (template ``asterisk``) or ``sip_gateway_name``. Times are the PBX's local time.
Source: the module's ``cdr_csv.conf.xml``; the causes are those of ITU-T Q.850 under FreeSWITCH's names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.calls.pbx_records.records import DialTarget, LineFault, PbxRecord, RecordLayout, split, whole_seconds
from dashboard.core.text import counted

_CALLER = ["caller_id_name", "caller_id_number", "destination_number", "context"]
_TIMES = ["start_stamp", "answer_stamp", "end_stamp", "duration", "billsec", "hangup_cause"]
_SQL = [*_CALLER, *_TIMES, "uuid", "bleg_uuid", "accountcode"]
_EXAMPLE = [*_SQL, "read_codec", "write_codec"]
TEMPLATES: dict[str, list[str]] = {
    "sql": _SQL,
    "example": _EXAMPLE,
    "snom": [*_EXAMPLE, "sip_user_agent", "call_clientcode", "sip_rtp_rxstat", "sip_rtp_txstat", "sofia_record_file"],
    "linksys": [*_EXAMPLE, "sip_user_agent", "sip_p_rtp_stat"],
    "asterisk": [
        *("accountcode", "caller_id_number", "destination_number", "context", "caller_id", "channel_name"),
        *("bridge_channel", "last_app", "last_arg"),
        *(*_TIMES, "amaflags", "uuid", "userfield"),
    ],
}
"""Fields by template. ``opencdrrate`` is omitted: it does not contain the start of a call."""
NEEDED = ("start_stamp", "duration", "billsec", "hangup_cause", "destination_number")
CAUSES = {
    "UNALLOCATED_NUMBER": 1,
    "NO_ROUTE_TRANSIT_NET": 2,
    "NO_ROUTE_DESTINATION": 3,
    "NORMAL_CLEARING": 16,
    "USER_BUSY": 17,
    "NO_USER_RESPONSE": 18,
    "NO_ANSWER": 19,
    "SUBSCRIBER_ABSENT": 20,
    "CALL_REJECTED": 21,
    "NUMBER_CHANGED": 22,
    "DESTINATION_OUT_OF_ORDER": 27,
    "INVALID_NUMBER_FORMAT": 28,
    "FACILITY_REJECTED": 29,
    "NORMAL_UNSPECIFIED": 31,
    "NORMAL_CIRCUIT_CONGESTION": 34,
    "NETWORK_OUT_OF_ORDER": 38,
    "NORMAL_TEMPORARY_FAILURE": 41,
    "SWITCH_CONGESTION": 42,
    "OUTGOING_CALL_BARRED": 52,
    "INCOMPATIBLE_DESTINATION": 88,
    "RECOVERY_ON_TIMER_EXPIRE": 102,
    "INTERWORKING": 127,
}
_INSERT = re.compile(r"\s*INSERT INTO \S+ VALUES \((.*)\);?\s*", re.ASCII | re.IGNORECASE | re.DOTALL)
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_CAUSE = re.compile(r"[A-Z][A-Z0-9_]+", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9_]+)\}", re.ASCII)
_BRACES = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|<[^<>]*>")
"""Variables of a dial string; no match extends over another opening bracket, so ten thousand of them take no longer."""


@dataclass(frozen=True)
class _Template:
    """File format given by the fields of a template."""

    title: str
    fields: tuple[str, ...]

    @property
    def name(self) -> str:
        """See ``RecordLayout``."""
        return f"FreeSWITCH's cdr_csv with the template {self.title}"

    def cells(self, line: str) -> list[str]:
        """See ``RecordLayout``."""
        inserted = _INSERT.fullmatch(line) if self.title == "sql" else None
        return split(inserted[1] if inserted else line)

    def fits(self, cells: Sequence[str]) -> bool:
        """Return whether a line matches the fields of this template."""
        if len(cells) != len(self.fields):
            return False
        row = dict(zip(self.fields, cells, strict=True))
        stamped = _STAMP.fullmatch(row["start_stamp"])
        ended = _CAUSE.fullmatch(row["hangup_cause"])
        return bool(stamped and ended) and ("uuid" not in row or bool(_UUID.fullmatch(row["uuid"])))

    def record(self, cells: Sequence[str]) -> PbxRecord | LineFault | None:
        """See ``RecordLayout``."""
        if len(cells) != len(self.fields):
            fields = counted(len(self.fields), "field")
            return LineFault("", f"The template has {fields}, and it has {len(cells)}. Is a quote left open?")
        row = dict(zip(self.fields, cells, strict=True))
        if not _CAUSE.fullmatch(row["hangup_cause"]):
            return LineFault("hangup_cause", "It is no cause such as NORMAL_CLEARING. Is this another template?")
        duration = whole_seconds(row["duration"])
        billed = whole_seconds(row["billsec"])
        if duration is None or billed is None:
            return LineFault("duration" if duration is None else "billsec", "It is not a whole number of seconds.")
        cause = row.get("hangup_cause_q850", "")
        status = row.get("sip_term_status", "")
        return PbxRecord(
            started=row["start_stamp"],
            targets=_targets(row),
            caller_id=row.get("caller_id_number", ""),
            disposition=row["hangup_cause"],
            answered=billed > 0 or bool(_STAMP.fullmatch(row.get("answer_stamp", ""))),
            duration_s=duration,
            billed_s=billed,
            unique_id=row.get("uuid", ""),
            channel=row.get("bridge_channel", "") or row.get("channel_name", ""),
            q850_cause=int(cause) if cause.isdecimal() and len(cause) < 4 else CAUSES.get(row["hangup_cause"]),  # noqa: PLR2004 - a cause has three digits
            sip_status=int(status) if re.fullmatch(r"[1-6]\d\d", status, re.ASCII) else None,
        )


def recognize(lines: Sequence[str]) -> RecordLayout | None:
    """Return the shipped template that matches the first lines of a file."""
    shipped = [_Template(title, tuple(fields)) for title, fields in TEMPLATES.items()]
    return next((form for form in shipped if any(form.fits(form.cells(line)) for line in lines)), None)


def of_template(text: str) -> RecordLayout | None:
    """Return the format for the text of a template; ``None`` if it lacks a required field."""
    inserted = _INSERT.fullmatch(text)
    matches = [_VARIABLE.fullmatch(cell.strip()) for cell in split(inserted[1] if inserted else text)]
    fields = tuple(match[1] if match else f"field {number}" for number, match in enumerate(matches, start=1))
    usable = set(NEEDED) <= set(fields) and len(set(fields)) == len(fields)
    return _Template("sql" if inserted else "given", fields) if usable else None


def _targets(row: dict[str, str]) -> tuple[DialTarget, ...]:
    number = row["destination_number"]
    targets = [DialTarget(number, number, row.get("sip_gateway_name", ""))]
    if row.get("last_app", "") == "bridge":
        legs = re.split(r"[,|]|:_:", _BRACES.sub("", row.get("last_arg", "")))
        targets = [*(_leg(leg.strip()) for leg in legs if leg.strip().startswith("sofia/")), *targets]
    return tuple(targets)


def _leg(leg: str) -> DialTarget:
    """Parse ``sofia/gateway/NAME/USER`` or ``sofia/PROFILE/USER@HOST``."""
    kind, _, target = leg.partition("/")[2].partition("/")
    if kind == "gateway":
        name, _, user = target.partition("/")
        return DialTarget(leg, user, name)
    user, _, host = target.removeprefix("sip:").partition("@")
    return DialTarget(leg, user, "", re.split(r"[:;]", host, maxsplit=1)[0])
