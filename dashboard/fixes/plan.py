"""Plans: exact changes, the account before them, their replay and their guards, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dashboard.calls.replay import replay
from dashboard.changes import Change, Plan
from dashboard.errors import JournalError, StalePlanError, UnknownFindingError
from dashboard.fixes.image import Frames, image, proposed, touched
from dashboard.fixes.interlocks import Situation, check_all
from dashboard.journal import DONE, Entry, Journal
from dashboard.snapshot import Snapshot


def build(
    snapshot: Snapshot,
    changes: Sequence[Change],
    *,
    max_changes: int,
    title: str = "",
    check: str = "",
    subject: str = "",
    undoes: int | None = None,
    last_known_at: datetime | None = None,
) -> Plan:
    """
    Plan a set of changes.

    Args:
        snapshot: The account, the inventory and the calls as they stand.
        changes: In the order they are to be carried out.
        max_changes: The largest fix.
        title: Verb and object; made from the changes when empty.
        check: The check that asked for it, if one did.
        subject: Its subject.
        undoes: Journal entry that this takes back.
        last_known_at: When the stale data behind a last known failure was read; ``None`` where it is fresh.

    Returns:
        A plan; whether it may be applied is in its interlocks.

    Raises:
        UnknownFindingError: There is nothing to change.
    """
    if not changes:
        raise UnknownFindingError("There is nothing to change, so there is no plan.")
    answer = replay(snapshot, proposed(snapshot.policy, changes))
    situation = Situation(snapshot, changes, answer, max_changes)
    return Plan(
        title=title or _title(changes),
        check=check,
        subject=subject,
        changes=tuple(changes),
        before=image(snapshot, changes),
        impact=answer.impact,
        interlocks=check_all(situation),
        guided=any(change.needs not in snapshot.capabilities for change in changes),
        undoes=undoes,
        last_known_at=last_known_at,
        made_at=snapshot.taken_at,
    )


UNDO = "Undo: "


def undoing(journal: Journal, number: int) -> tuple[Plan, Entry, tuple[Change, ...], str]:
    """
    Find what takes a done entry of the journal back.

    Args:
        journal: The journal.
        number: Number of the ``done`` entry, or of its ``begun`` one.

    Returns:
        The plan that was applied, the entry that says it was, its inverse changes, and a title.

    Raises:
        JournalError: There is no such entry, it did not end well, or it was taken back already.
    """
    entries = journal.entries()
    chosen = journal.entry(number)
    pair = [entry for entry in entries if entry.action == chosen.action]
    ended = next((entry for entry in pair if entry.phase == DONE), None)
    if ended is None:
        raise JournalError(f"Journal entry {number} ({chosen.title}) was not carried out, so there is nothing to undo.")
    if undone_by(entries, ended):
        raise JournalError(f"Journal entry {number} ({chosen.title}) was taken back already.")
    plan = Plan.model_validate(pair[0].content["plan"])
    title = f"{UNDO}{plan.title[0].lower()}{plan.title[1:]}"
    if plan.undoes is not None:
        title = f"Redo: {plan.title.removeprefix(UNDO)}"
    return plan, ended, plan.inverse_changes(), title


def refuse_if_moved(ended: Entry, plan: Plan, frames: Frames) -> None:
    """
    Take back only what still is as the fix left it.

    Raises:
        StalePlanError: Somebody changed it since; it is named.
    """
    left, now = ended.content["after"], image(frames, plan.changes)
    moved = [what for kind, what in touched(plan.changes) if _at(left, kind, what) != _at(now, kind, what)]
    if moved:
        raise StalePlanError(
            f"{', '.join(moved)} changed after this fix, so taking it back would undo somebody else's work too. "
            "Nothing was changed. Change it to what it should be now."
        )


def _at(found: dict[str, Any], kind: str, what: str) -> Any:
    part = found.get(kind)
    return part.get(what) if isinstance(part, dict) else part


def undone_by(entries: Sequence[Entry], ended: Entry) -> Entry | None:
    """Return the entry that took this one back, if one did."""
    return next((entry for entry in entries if entry.undoes == ended.id and entry.phase == DONE), None)


def _title(changes: Sequence[Change]) -> str:
    first, rest = changes[0].sentence(), len(changes) - 1
    return first if not rest else f"{first} and {rest} more {'change' if rest == 1 else 'changes'}"
