"""Progress of the monitor after a fix: calls observed, calls so far, and whether the result is as intended."""

from __future__ import annotations

from dashboard.core.addresses import contains
from dashboard.core.text import counted, join
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, Plan, RemoveAddress, SetCredentials
from dashboard.domain.claims import lacking
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes.monitor import ENOUGH, MonitorResult, Outcomes
from dashboard.web.components.formatting import Color, owner_of

Look = tuple[Color, str]
"""Color and name of the icon."""
UNFORESEEN: Look = ("red", "error")
FORESEEN: Look = ("orange", "warning")
BAD = (UNFORESEEN, FORESEEN)
"""Looks of results that are not all good, worst first."""


def say(plan: Plan, seen: MonitorResult, snapshot: Snapshot) -> tuple[Color, str, str]:
    """
    Return the state of the monitor.

    Args:
        plan: The applied plan. Refusals of calls from an address that it removed are intended; refusals of calls of
            PBXs that its replay showed as broken are foreseen.
        seen: Result of the monitor: the calls since the fix.
        snapshot: Snapshot with the names shown next to addresses, and whether refused calls are on record.

    Returns:
        The color, the name of the icon, and a sentence.
    """
    removes = [isinstance(change, RemoveAddress) for change in plan.changes]
    unseen = Capability.REFUSALS_IN_CDRS not in snapshot.capabilities
    head = f"Watching the next calls from {_whom(plan, seen, snapshot)}"
    if not seen.calls:
        parts = [
            f"{head}: none yet.",
            "A refused call leaves no record here." if all(removes) and unseen else "",
            lacking(snapshot, "calls"),
        ]
        return "gray", "time", " ".join(filter(None, parts))
    seen_so_far = counted(seen.decided, "call") if seen.over else f"{seen.decided} of {ENOUGH} calls"
    progress = f"{head}: {seen_so_far}"
    neither = seen.calls - seen.decided
    if neither:
        progress += f" ({neither:,} more {'proves' if neither == 1 else 'prove'} neither admission nor refusal)"
    if not seen.decided:
        return "gray", "time", f"{progress}."
    kept_look, kept = _kept(seen)
    removed_look, removed = _removed(seen)
    looks = [look for look in (kept_look, removed_look) if look]
    good: Look = ("green", "good") if seen.over else ("gray", "time")
    look = min(looks, key=BAD.index) if looks else good
    if not any(removes):
        return (*look, f"{progress}, {kept}.")
    if all(removes) and not seen.kept.decided:
        return (*look, f"{progress}, {removed}.")
    silent = ", where a refused call leaves no record" if unseen else ""
    apart = (
        _of("your PBXs" if _switches(plan) else "listed addresses", seen.kept, kept),
        _of("removed addresses", seen.removed, removed, silent),
    )
    return (*look, f"{progress}: {'; '.join(apart)}.")


def _switches(plan: Plan) -> bool:
    return any(isinstance(change, SetCredentials) for change in plan.changes)


def _whom(plan: Plan, seen: MonitorResult, snapshot: Snapshot) -> str:
    """Return whose calls are watched; where addresses inside a removed network were added, the others in it."""
    added = [change.network for change in plan.changes if isinstance(change, AllowAddress)]
    named = [
        f"other addresses in {one}"
        if one not in added and any(contains([one], other) for other in added)
        else f"{one} ({owner_of(one, snapshot)})"
        for one in seen.sources
    ]
    return join(["your PBXs", *named] if _switches(plan) else named)


def _of(whom: str, outcomes: Outcomes, became: str, silent: str = "") -> str:
    """Return the number of calls of one kind of source and what became of them."""
    return f"{outcomes.decided:,} of {whom}, {became}" if outcomes.decided else f"none of {whom}{silent}"


def _kept(seen: MonitorResult) -> tuple[Look | None, str]:
    """Return what became of the calls that should be admitted, and how it looks if it is not all good."""
    refused = seen.kept.refused
    if not refused:
        return None, "all admitted"
    if seen.foreseen == refused:
        return FORESEEN, f"{refused:,} refused, of {join(seen.foreseen_of)}, as foreseen"
    whose = f", of {join(seen.others)}" if seen.others else ""
    if seen.foreseen:
        rest = refused - seen.foreseen
        whose = f": {seen.foreseen:,} of {join(seen.foreseen_of)}, as foreseen, and {rest:,} more{whose}"
    return UNFORESEEN, f"{refused:,} refused{whose}"


def _removed(seen: MonitorResult) -> tuple[Look | None, str]:
    """Return what became of the calls that should be refused, and how it looks if it is not all good."""
    through = seen.removed.admitted
    return (FORESEEN, f"{counted(through, 'call')} still went through") if through else (None, "all refused, as meant")
