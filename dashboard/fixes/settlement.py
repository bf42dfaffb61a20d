"""
Settle: find out the outcome of a fix that was interrupted, by reading the account.

What is live is told from the image before the fix and the images after each of its changes. Only what the changes
touch is compared: the rest of the account may have moved since.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboard.carriers.registry import Carrier
from dashboard.core.errors import BusyError, DashboardError
from dashboard.core.locks import exclusive
from dashboard.domain.changes import Change, Plan
from dashboard.fixes.account_image import after, image, part_of, touched
from dashboard.fixes.account_reader import AccountReading
from dashboard.storage.journal import BEGUN, DONE, FAILED, PARTLY, Journal, JournalEntry

SYSTEM = "trunkgate (system)"
"""Who records an outcome that nobody waited for."""
INTERRUPTED = "Found after an interruption: "

log = logging.getLogger(__name__)


def settle(*, carrier: Carrier, journal: Journal, home: Path) -> list[JournalEntry]:
    """
    Record an outcome for each fix that has none, unless one is being applied.

    Args:
        carrier: Read for what the fixes touch.
        journal: Where the outcomes are recorded.
        home: State folder, for the lock of the fix that may be running.

    Returns:
        The outcomes that were recorded. A fix whose part of the account cannot be read stays open.
    """
    if not journal.open_entries():
        return []
    try:
        with exclusive(home / "fix.lock", timeout_s=0, busy="A fix is being applied."):
            return settle_under_lock(carrier=carrier, journal=journal)
    except BusyError:
        return []


def settle_under_lock(*, carrier: Carrier, journal: Journal) -> list[JournalEntry]:
    """Do what ``settle`` does; the caller holds the lock, so no fix is running."""
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
        live, moved = judge(before, now, plan.changes)
        phase = phase_of(live, plan.changes, moved)
        entry = journal.finish(
            begun,
            plan,
            phase=phase,
            before=before,
            after=now,
            message=f"{INTERRUPTED}{standing(live, plan.changes, moved)}",
            actor=SYSTEM,
            live=dumped(live),
            interrupted=True,
        )
        log.warning("Journal entry %d was interrupted. %s", begun.id, entry.content["message"])
        settled.append(entry)
    return settled


def judge(
    before: dict[str, Any], now: dict[str, Any], changes: Sequence[Change]
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """
    Tell which changes of a fix are live.

    A fix carries its changes out in order and takes them back in the opposite order, so those that are live are the
    first ones. Where the account is as none of these states, each change is looked at by itself.

    Args:
        before: Image before the first change.
        now: Image as just read.
        changes: In the order in which they are carried out.

    Returns:
        The changes that are live, in their order; and what is neither as it was before nor as the fix leaves it,
        by name.
    """
    places = list(dict.fromkeys(touched(changes)))
    states = [after(before, changes[:count]) for count in range(len(changes) + 1)]
    for count in (len(changes), *range(len(changes))):
        if all(part_of(states[count], *place) == part_of(now, *place) for place in places):
            return tuple(changes[:count]), ()
    live, moved = [], []
    for change in changes:
        ((kind, name),) = touched([change])
        wanted, was, is_now = (part_of(found, kind, name) for found in (states[-1], before, now))
        if is_now == wanted and wanted != was:
            live.append(change)
        elif is_now not in (wanted, was):
            moved.append(name)
    return tuple(live), tuple(dict.fromkeys(moved))


def _next_image(begun: JournalEntry, plan: Plan, entries: Sequence[JournalEntry]) -> dict[str, Any] | None:
    """
    Return what the next fix read of the same part of the account before it changed anything; ``None`` without one.

    A later fix may have done, or undone, what the interrupted one was to do.
    """
    places = touched(plan.changes)
    for later in entries:
        if later.id > begun.id and later.phase == BEGUN:
            found: dict[str, Any] = later.content["before"]
            if all(_covers(found, kind, name) for kind, name in places):
                return found
    return None


def _covers(found: dict[str, Any], kind: str, name: str) -> bool:
    """Return whether an image speaks of a place: the list is in it as a whole, routes and numbers by name."""
    return kind in found and (kind not in ("routes", "numbers") or name in found[kind])


def phase_of(live: Sequence[Change], changes: Sequence[Change], moved: Sequence[str]) -> str:
    """Return the phase that an outcome is recorded as."""
    if not live and not moved:
        return FAILED
    return DONE if len(live) == len(changes) else PARTLY


def standing(live: Sequence[Change], changes: Sequence[Change], moved: Sequence[str]) -> str:
    """Say which changes are live, as sentences."""
    if not live and not moved:
        return "none of its changes is in place."
    if len(live) == len(changes):
        return "all of its changes are in place."
    there = (
        f"in place: {'; '.join(change.sentence() for change in live)}." if live else "none of its changes is in place."
    )
    missing = [change.sentence() for change in changes if change not in live]
    others = f" Not in place: {'; '.join(missing)}." if live else ""
    since = f" Somebody else has changed {', '.join(moved)} since." if moved else ""
    return f"{there}{others}{since}"


def dumped(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return changes as the journal keeps them."""
    return [change.model_dump(mode="json") for change in changes]
