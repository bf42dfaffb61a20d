"""
Settlement: determine the outcome of an interrupted fix by reading the account.

The live changes follow from a comparison with the image before the fix and the images after each of its changes. Only
the parts that the changes touch are compared: the rest of the account may have changed since.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboard.carriers import Carrier
from dashboard.core.errors import BusyError, DashboardError
from dashboard.core.locks import exclusive
from dashboard.domain.changes import Change, Plan
from dashboard.fixes.account_image import after, image, part_of, touched
from dashboard.fixes.account_reader import AccountReading
from dashboard.storage import PHASE_BEGUN, PHASE_DONE, PHASE_FAILED, PHASE_PARTLY, Journal, JournalEntry

SYSTEM = "trunkgate (system)"
"""Actor of an outcome that was recorded after an interruption."""
INTERRUPTED = "Found after an interruption: "

log = logging.getLogger(__name__)


def settle(*, carrier: Carrier, journal: Journal, home: Path) -> list[JournalEntry]:
    """
    Record an outcome for each fix that has none, unless a fix is being applied.

    Args:
        carrier: Carrier from which the parts that the fixes touch are read.
        journal: Journal to which the outcomes are appended.
        home: State folder, for the lock of a fix that may be running.

    Returns:
        The recorded outcomes. A fix whose part of the account cannot be read stays open.
    """
    if not journal.open_entries():
        return []
    try:
        with exclusive(home / "fix.lock", timeout_s=0, busy="A fix is being applied."):
            return settle_under_lock(carrier=carrier, journal=journal)
    except BusyError:
        return []


def settle_under_lock(*, carrier: Carrier, journal: Journal) -> list[JournalEntry]:
    """Do the work of ``settle``; the caller holds the lock, so no fix is running."""
    settled: list[JournalEntry] = []
    unsettled = journal.open_entries()
    entries = journal.entries() if unsettled else []
    for begun in unsettled:
        plan = Plan.model_validate(begun.content["plan"])
        before: dict[str, Any] = begun.content["before"]
        try:
            now = _next_image(begun, plan, entries)
            if now is None:
                now = image(AccountReading.take(carrier, plan.changes), plan.changes)
        except DashboardError as exc:
            log.warning(
                "The outcome of journal entry %d is not known yet, the account cannot be read. %s", begun.id, exc
            )
            continue
        live, changed_elsewhere = compare_outcome(before, now, plan.changes)
        phase = phase_of(live, plan.changes, changed_elsewhere)
        entry = journal.finish(
            begun,
            plan,
            phase=phase,
            before=before,
            after=now,
            message=f"{INTERRUPTED}{live_changes_text(live, plan.changes, changed_elsewhere)}",
            actor=SYSTEM,
            live=dumped(live),
            interrupted=True,
        )
        log.warning("Journal entry %d was interrupted. %s", begun.id, entry.content["message"])
        settled.append(entry)
    return settled


def compare_outcome(
    before: dict[str, Any], now: dict[str, Any], changes: Sequence[Change]
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """
    Determine which changes of a fix are live.

    A fix carries out its changes in order and rolls them back in reverse order, so the live changes are the
    first ones. If the account matches none of these states, each change is compared by itself.

    Args:
        before: Image before the first change.
        now: Image as just read.
        changes: Changes in the order in which they are carried out.

    Returns:
        The live changes, in their order; and the names of the places whose value is neither that of before the fix nor
        that of after it.
    """
    locations = list(dict.fromkeys(touched(changes)))
    states = [after(before, changes[:count]) for count in range(len(changes) + 1)]
    for count in (len(changes), *range(len(changes))):
        if all(part_of(states[count], *location) == part_of(now, *location) for location in locations):
            return tuple(changes[:count]), ()
    live = []
    changed_elsewhere = []
    for change in changes:
        ((kind, name),) = touched([change])
        expected, original, is_now = (part_of(account_image, kind, name) for account_image in (states[-1], before, now))
        if is_now == expected and expected != original:
            live.append(change)
        elif is_now not in (expected, original):
            changed_elsewhere.append(name)
    return tuple(live), tuple(dict.fromkeys(changed_elsewhere))


def _next_image(begun: JournalEntry, plan: Plan, entries: Sequence[JournalEntry]) -> dict[str, Any] | None:
    """
    Return the before-image of the next fix that covers the same part of the account; ``None`` if there is none.

    A later fix may have made, or undone, the changes of the interrupted one.
    """
    locations = touched(plan.changes)
    for later in entries:
        if later.id > begun.id and later.phase == PHASE_BEGUN:
            next_before: dict[str, Any] = later.content["before"]
            if all(_covers(next_before, kind, name) for kind, name in locations):
                return next_before
    return None


def _covers(account_image: dict[str, Any], kind: str, name: str) -> bool:
    """Return whether an image covers a place: it contains the whole list, but routes and numbers by name."""
    return kind in account_image and (kind not in ("routes", "numbers") or name in account_image[kind])


def phase_of(live: Sequence[Change], changes: Sequence[Change], changed_elsewhere: Sequence[str]) -> str:
    """Return the phase to record for an outcome."""
    if not live and not changed_elsewhere:
        return PHASE_FAILED
    return PHASE_DONE if len(live) == len(changes) else PHASE_PARTLY


def live_changes_text(live: Sequence[Change], changes: Sequence[Change], changed_elsewhere: Sequence[str]) -> str:
    """Return sentences on which changes are live."""
    if not live and not changed_elsewhere:
        return "none of its changes is in place."
    if len(live) == len(changes):
        return "all of its changes are in place."
    live_note = (
        f"in place: {'; '.join(change.describe() for change in live)}." if live else "none of its changes is in place."
    )
    missing = [change.describe() for change in changes if change not in live]
    missing_note = f" Not in place: {'; '.join(missing)}." if live else ""
    since = f" Somebody else has changed {', '.join(changed_elsewhere)} since." if changed_elsewhere else ""
    return f"{live_note}{missing_note}{since}"


def dumped(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return changes as JSON values for the journal."""
    return [change.model_dump(mode="json") for change in changes]
