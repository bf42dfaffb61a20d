"""
Records of changes that an operator makes to the call store by hand: removals of days or calls, and repairs.

They stand in the state database beside the journal, which has fixes only: its entries are plans for the account, which
are settled and undone by reading the account. Records of the call store are neither chained nor anchored.

As in the journal, a ``begun`` record is written before the change and its outcome after it. A ``begun`` record alone
was interrupted, or the change still runs; ``services.store_settlement`` records its outcome.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from dashboard.core import clocks
from dashboard.core.errors import DashboardError
from dashboard.core.locks import exclusive
from dashboard.core.text import counted
from dashboard.domain.actors import Actor
from dashboard.storage.database import State
from dashboard.storage.journal import PHASE_BEGUN, PHASE_DONE, PHASE_FAILED

DROP_IMPORTED: Final = "drop-imported"
FORGET: Final = "forget"
REPAIR: Final = "repair"

_KEY = "store_changes"
_DROPPED = "imported_calls_dropped"
"""Key of the records of an earlier version, which has only removals of imported calls."""
LOCK = "store-change.lock"
"""Lock file of the home, held from the ``begun`` record to the outcome."""
LOCK_WAIT_S = 30.0
BUSY = "Another command changes the stored calls of this home. Try again when it has ended."


@dataclass(frozen=True)
class StoreChange:
    """One record: of the beginning of a change, or of its outcome."""

    action: str
    """Id that both records of a change have."""
    phase: str
    """``begun``, ``done`` or ``failed``."""
    at: datetime
    command: str
    """The command below ``trunkgate calls``, such as ``forget``."""
    days: tuple[date, ...]
    actor: str
    calls: int
    """``begun``: calls about to be changed; otherwise calls that were."""
    by: dict[str, Any]
    """How the actor signed in, see ``Actor.by``; empty on an outcome."""
    generation: str
    """Name of the store's generation before the change; empty if not recorded."""
    message: str

    @property
    def title(self) -> str:
        """The command with its days, and the number of calls."""
        days = " ".join(map(str, self.days))
        return f"trunkgate calls {self.command}{f' {days}' if days else ''}: {counted(self.calls, 'call')}"

    @property
    def no_outcome(self) -> str:
        """Sentence that the change has no recorded outcome, with the remedy."""
        return (
            f"No recorded outcome: {self.title}, begun {self.at:%Y-%m-%d %H:%M:%S} UTC by {self.actor}. It was "
            "interrupted or still runs; `trunkgate sync` compares it with the store and records the outcome."
        )


@dataclass
class Outcome:
    """What a change has done so far."""

    calls: int = 0
    """Number of calls that were changed."""


@contextmanager
def recorded(
    state: State, command: str, *, actor: Actor, days: Sequence[date], calls: int, generation: str
) -> Iterator[Outcome]:
    """
    Record a change of the call store that is made inside the context.

    Args:
        state: State database of the home.
        command: The command below ``trunkgate calls``.
        actor: Who makes the change.
        days: Days in UTC that it is about.
        calls: Number of calls that it is about.
        generation: Name of the store's generation before it.

    Yields:
        Object that takes the number of changed calls.

    Raises:
        StateError: It cannot be recorded; nothing may be changed then.
        BusyError: Another command changes the store.
    """
    begun = StoreChange(
        uuid.uuid4().hex,
        PHASE_BEGUN,
        clocks.now(),
        command,
        tuple(days),
        actor.name,
        calls,
        dict(actor.by),
        generation,
        "",
    )
    with exclusive(state.home / LOCK, timeout_s=LOCK_WAIT_S, busy=BUSY):
        state.add(_KEY, _to_json(begun))
        outcome = Outcome()
        try:
            yield outcome
        except DashboardError as exc:
            finish(state, begun, PHASE_FAILED, message=str(exc))
            raise
        finish(state, begun, PHASE_DONE, calls=outcome.calls)


def finish(state: State, begun: StoreChange, phase: str, *, calls: int = 0, message: str = "", actor: str = "") -> None:
    """Record the outcome of a change; ``actor`` names who records it if it is not the actor of ``begun``."""
    ended = StoreChange(
        begun.action, phase, clocks.now(), begun.command, begun.days, actor or begun.actor, calls, {}, "", message
    )
    state.add(_KEY, _to_json(ended))


def store_changes(state: State) -> list[StoreChange]:
    """Return all records, oldest first."""
    earlier = {row["action"]: row for row in state.get(_DROPPED, []) if row["phase"] == PHASE_BEGUN}
    rows = [
        {"command": DROP_IMPORTED, "days": earlier.get(row["action"], row).get("days", []), **row}
        for row in state.get(_DROPPED, [])
    ]
    return [_of_json(row) for row in [*rows, *state.get(_KEY, [])]]


def open_changes(state: State) -> list[StoreChange]:
    """Return the ``begun`` record of each change that has no outcome, oldest first."""
    records = store_changes(state)
    ended = {one.action for one in records if one.phase != PHASE_BEGUN}
    return [one for one in records if one.phase == PHASE_BEGUN and one.action not in ended]


def _to_json(change: StoreChange) -> dict[str, Any]:
    return {
        "action": change.action,
        "phase": change.phase,
        "at": change.at.isoformat(),
        "command": change.command,
        "days": [day.isoformat() for day in change.days],
        "by": change.actor,
        "calls": change.calls,
        "signed_in": change.by,
        "generation": change.generation,
        "message": change.message,
    }


def _of_json(row: dict[str, Any]) -> StoreChange:
    return StoreChange(
        row["action"],
        row["phase"],
        datetime.fromisoformat(row["at"]),
        row["command"],
        tuple(map(date.fromisoformat, row["days"])),
        row["by"],
        int(row["calls"]),
        row.get("signed_in", {}),
        row.get("generation", ""),
        row.get("message", ""),
    )
