"""Planner: builds a plan from exact changes, the account before them, their replay and their guards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter

from dashboard.calls.replay import replay
from dashboard.core.errors import JournalError, StalePlanError, UnknownFindingError
from dashboard.domain.changes import Change, Plan
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes.account_image import Frames, image, part_of, proposed, touched
from dashboard.fixes.guards import Situation, check_all
from dashboard.fixes.removals import removals_for_cause
from dashboard.storage import PHASE_DONE, PHASE_FAILED, PHASE_PARTLY, Journal, JournalEntry


def build(
    snapshot: Snapshot,
    changes: Sequence[Change],
    *,
    max_changes: int,
    title: str = "",
    check: str = "",
    subject: str = "",
    undoes: int | None = None,
    entries: Sequence[JournalEntry] = (),
    last_known_at: datetime | None = None,
) -> Plan:
    """
    Build the plan for a set of changes.

    Args:
        snapshot: The current account, inventory and calls.
        changes: Changes in the order they are to be carried out.
        max_changes: Maximum number of changes in one fix.
        title: Verb and object; derived from the changes if empty.
        check: Check that proposed the changes, if any.
        subject: Subject of that check.
        undoes: Number of the journal entry that the plan undoes.
        entries: The journal, oldest first, for guards that consider earlier fixes.
        last_known_at: When the stale data behind a last known failure was read; ``None`` if the data is fresh.

    Returns:
        The plan; its guards determine whether it may be applied.

    Raises:
        UnknownFindingError: There are no changes.
    """
    if not changes:
        raise UnknownFindingError("There is nothing to change, so there is no plan.")
    answer = replay(snapshot, proposed(snapshot.policy, changes))
    situation = Situation(snapshot, changes, answer, max_changes, removals_for_cause(entries))
    return Plan(
        title=title or _title(changes),
        check=check,
        subject=subject,
        changes=tuple(changes),
        before=image(snapshot, changes),
        impact=answer.impact,
        guards=check_all(situation),
        guided=any(change.needs not in snapshot.capabilities for change in changes),
        undoes=undoes,
        last_known_at=last_known_at,
        made_at=snapshot.taken_at,
    )


UNDO = "Undo: "


def plan_undo(journal: Journal, number: int) -> tuple[Plan, JournalEntry, tuple[Change, ...], str]:
    """
    Return the changes that undo a journal entry: the inverse of exactly the changes it left in place.

    Args:
        journal: The journal.
        number: Number of the outcome, or of its ``begun`` entry.

    Returns:
        The plan that was applied, the entry of its outcome, the inverse changes, and a title.

    Raises:
        JournalError: There is no such entry, its outcome is unknown, it changed nothing, or it was already undone.
    """
    entries = journal.entries()
    selected = journal.entry(number)
    pair = [entry for entry in entries if entry.action == selected.action]
    ended = next((entry for entry in pair if entry.phase in (PHASE_DONE, PHASE_FAILED, PHASE_PARTLY)), None)
    entry_label = f"Journal entry {number} ({selected.title})"
    if ended is None:
        raise JournalError(
            f"{entry_label} was interrupted, or still runs, and its outcome is not known yet. `trunkgate sync` "
            "reads the "
            "account and records it; then undo it."
        )
    plan = Plan.model_validate(pair[0].content["plan"])
    live = live_of(plan, ended)
    if not live:
        raise JournalError(f"{entry_label} left none of its changes in place, so there is nothing to undo.")
    if find_undo(entries, ended):
        raise JournalError(f"{entry_label} was undone already.")
    title = f"{UNDO}{plan.title[0].lower()}{plan.title[1:]}"
    if plan.undoes is not None:
        title = f"Redo: {plan.title.removeprefix(UNDO)}"
    return plan, ended, tuple(change.inverse() for change in reversed(live)), title


_CHANGES: TypeAdapter[tuple[Change, ...]] = TypeAdapter(tuple[Change, ...])


def live_of(plan: Plan, ended: JournalEntry) -> tuple[Change, ...]:
    """Return the changes of a plan that are in place according to its outcome, in their order."""
    if "live" in ended.content:
        return _CHANGES.validate_python(ended.content["live"])
    return plan.changes if ended.phase == PHASE_DONE else ()


def ensure_unchanged_since(ended: JournalEntry, plan: Plan, frames: Frames) -> None:
    """
    Check that the account is still in the state in which the fix left it, as an undo requires.

    Raises:
        StalePlanError: The account was changed since; the message names what changed.
    """
    after_fix = ended.content["after"]
    now = image(frames, plan.changes)
    locations = touched(live_of(plan, ended))
    changed_names = [name for kind, name in locations if part_of(after_fix, kind, name) != part_of(now, kind, name)]
    if changed_names:
        raise StalePlanError(
            f"{', '.join(changed_names)} changed after this fix, so undoing it would undo somebody else's work too. "
            "Nothing was changed. Change it to what it should be now."
        )


def find_undo(entries: Sequence[JournalEntry], ended: JournalEntry) -> JournalEntry | None:
    """Return the entry that undid this one, if any."""
    return next((entry for entry in entries if entry.undoes == ended.id and entry.phase == PHASE_DONE), None)


def _title(changes: Sequence[Change]) -> str:
    first = changes[0].describe()
    remaining = len(changes) - 1
    return first if not remaining else f"{first} and {remaining} more {'change' if remaining == 1 else 'changes'}"
