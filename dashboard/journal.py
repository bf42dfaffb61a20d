"""
The journal: append-only, each entry carrying the hash of the one before it.

``begin`` is called before the first write to the carrier, ``finish`` after the last. An action
without a second entry was cut short: its outcome is not known, and the history says so.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from dashboard.changes import Plan, digest
from dashboard.errors import JournalError
from dashboard.state import State
from dashboard.state import journal as table

GENESIS = "0" * 64
BEGUN, DONE, FAILED = "begun", "done", "failed"


@dataclass(frozen=True)
class Entry:
    """One line: who did what, the account's rows before and after, and the chain."""

    id: int
    at: datetime
    action: str
    phase: str
    actor: str
    title: str
    plan_hash: str
    undoes: int | None
    content: dict[str, Any]
    """``plan`` (whole) on ``begun``; ``before``, ``after`` and ``message`` on the second entry."""
    previous_hash: str
    hash: str


class Journal:
    """The journal of one state database."""

    def __init__(self, state: State) -> None:
        self._state = state

    def begin(self, plan: Plan, *, actor: str, before: dict[str, Any]) -> Entry:
        """Write down what is about to be done, by whom, and the account's rows as they stand."""
        content = {"plan": plan.model_dump(mode="json"), "before": before}
        return self._append(uuid.uuid4().hex, BEGUN, actor, plan, content)

    def finish(
        self, begun: Entry, plan: Plan, *, phase: str, after: dict[str, Any], before: dict[str, Any], message: str = ""
    ) -> Entry:
        """Write down how it ended: ``done`` or ``failed``, with the account's rows after."""
        return self._append(
            begun.action, phase, begun.actor, plan, {"before": before, "after": after, "message": message}
        )

    def entries(self) -> list[Entry]:
        """Return every entry, oldest first."""
        with self._state.reading() as connection:
            rows = connection.execute(table.select().order_by(table.c.id)).mappings().all()
        return [Entry(**row) for row in rows]

    def entry(self, number: int) -> Entry:
        """
        Return one entry.

        Raises:
            JournalError: There is no such entry.
        """
        with self._state.reading() as connection:
            row = connection.execute(table.select().where(table.c.id == number)).mappings().first()
        if row is None:
            raise JournalError(f"The journal has no entry {number}. `trunkgate journal list` shows those it has.")
        return Entry(**row)

    def head(self) -> str:
        """Return the hash of the last entry; 64 zeros where there is none."""
        with self._state.reading() as connection:
            last = connection.execute(sa.select(table.c.hash).order_by(table.c.id.desc()).limit(1)).scalar()
        return str(last or GENESIS)

    def verify(self, head: str = "") -> int:
        """
        Recompute the chain.

        Args:
            head: A hash noted earlier; the chain must still contain it, which a cut tail would not.

        Returns:
            How many entries hold.

        Raises:
            JournalError: An entry was changed, removed or added out of order; the first is named.
        """
        previous, seen, known = GENESIS, 0, {GENESIS}
        for number, entry in enumerate(self.entries(), start=1):
            if entry.id != number:
                raise JournalError(f"Journal entry {number} is missing: the next one is numbered {entry.id}.")
            if entry.previous_hash != previous or entry.hash != _seal(entry.__dict__):
                raise JournalError(f"Journal entry {number} was changed after it was written.")
            previous, seen = entry.hash, number
            known.add(previous)
        if head and head not in known:
            raise JournalError(f"The journal ends at {previous[:12]} and does not contain the head {head[:12]} given.")
        return seen

    def _append(self, action: str, phase: str, actor: str, plan: Plan, content: dict[str, Any]) -> Entry:
        with self._state.writing() as connection:
            last = connection.execute(table.select().order_by(table.c.id.desc()).limit(1)).mappings().first()
            row: dict[str, Any] = {
                "id": (last["id"] if last else 0) + 1,
                "at": datetime.now(UTC),
                "action": action,
                "phase": phase,
                "actor": actor,
                "title": plan.title,
                "plan_hash": plan.hash,
                "undoes": plan.undoes,
                "content": content,
                "previous_hash": last["hash"] if last else GENESIS,
            }
            row["hash"] = _seal(row)
            connection.execute(table.insert().values(**row))
        return Entry(**row)


def _seal(row: dict[str, Any]) -> str:
    body = {key: value for key, value in row.items() if key != "hash"}
    return digest(body | {"at": row["at"].isoformat()})
