"""
Set-up notes: facts that cannot be read from the account, such as who installed a configuration or a test call's result.

Notes are stored in the state database with author and time, and are never changed: the latest of a kind counts. A note
is a person's statement or a program's output. Whether a step is done is also determined by calls and checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from dashboard.core.errors import InputError
from dashboard.core.text import join, one_line
from dashboard.sip.probe import Probe
from dashboard.storage import State, database

CONFIGURED: Final = "configured"
"""A person stated that the configuration is installed on the PBX."""
CALLED: Final = "called"
"""Result of a test call from the PBX's own machine, as the probe printed it."""
REACHED: Final = "reached"
"""PoPs that answered the machine of this dashboard."""
LONGEST = 20_000
CUT = 300
HOW = "Paste all that the command printed, from { to }."


@dataclass(frozen=True)
class Note:
    """One note about a PBX."""

    kind: str
    at: datetime
    by: str
    content: Mapping[str, Any]


Notes = Mapping[str, Mapping[str, Note]]
"""Latest note by PBX id and kind."""


def add_note(state: State, pbx_id: str, kind: str, content: Mapping[str, Any], *, at: datetime, by: str) -> None:
    """
    Store a note.

    Args:
        state: The state database.
        pbx_id: Id of the PBX in the inventory.
        kind: ``configured``, ``called`` or ``reached``.
        content: Further facts.
        at: Time of the note, UTC.
        by: Author, as text.
    """
    row = {"pbx_id": pbx_id, "kind": kind, "at": at, "by": by, "content": dict(content)}
    with state.writing() as connection:
        connection.execute(database.set_up_notes.insert().values(row))


def newest_note_id(state: State) -> int:
    """Return the id of the last note, which shows whether new notes exist; 0 if there is none."""
    with state.reading() as connection:
        return int(connection.execute(sa.select(sa.func.max(database.set_up_notes.c.id))).scalar() or 0)


def latest_notes(state: State) -> dict[str, dict[str, Note]]:
    """Return the latest note of each kind, by PBX id and kind."""
    table = database.set_up_notes
    last = sa.select(sa.func.max(table.c.id)).group_by(table.c.pbx_id, table.c.kind)
    with state.reading() as connection:
        rows = connection.execute(table.select().where(table.c.id.in_(last))).mappings().all()
    notes: dict[str, dict[str, Note]] = {}
    for row in rows:
        notes.setdefault(row["pbx_id"], {})[row["kind"]] = Note(row["kind"], row["at"], row["by"], row["content"])
    return notes


def reached_content(probes: Sequence[Probe]) -> dict[str, Any]:
    """Return the answers of PoPs as the content of a note."""
    return {"pops": [asdict(probe) for probe in probes]}


def read_call(text: str, addresses: Sequence[str]) -> dict[str, Any]:
    """
    Parse the output of a test call that was placed on the PBX's own machine.

    Args:
        text: JSON, as ``trunkgate probe --format json`` prints it.
        addresses: Addresses that the PBX calls from.

    Returns:
        Content of the note: ``source``, ``pop``, ``request_uri``, ``sip_status``, ``sip_reason``, ``admitted``, and
        ``meaning`` without the part about the account as known by the home on that machine.

    Raises:
        InputError: The text is not such output, it is not from a test call, or the call came from an address that is
            not one of this PBX.
    """
    try:
        result = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        result = None
    result = result[0] if isinstance(result, list) and len(result) == 1 else result
    if not isinstance(result, dict) or "sip_status" not in result or "admitted" not in result:
        raise InputError(f"That is not what the test call prints. {HOW}")
    if result.get("method") != "INVITE":
        raise InputError("That is an answer to OPTIONS, which a PoP gives to anybody. Place the test call: --number.")
    status = result["sip_status"]
    admitted = result["admitted"]
    if not (status is None or type(status) is int) or admitted not in (True, False, None):
        raise InputError(f"That is not what the test call prints: its sip_status or admitted is something else. {HOW}")
    source = _text(result.get("source"))
    if addresses and source not in addresses:
        raise InputError(
            f"The test call came from {source or 'an unknown address'}, and this PBX calls from "
            f"{join(addresses, None)}. Place it on the PBX's own machine, with --from."
        )
    fields = {name: _text(result.get(name)) for name in ("source", "pop", "request_uri", "sip_reason")}
    fields["meaning"] = _text(result.get("meaning")).removesuffix(_text(result.get("account"))).rstrip()
    return {**fields, "sip_status": status, "admitted": admitted}


def _text(value: object) -> str:
    """Return text as stored in a note: one line of at most ``CUT`` characters, without unsafe ones."""
    return one_line(value, CUT) if isinstance(value, str) else ""
