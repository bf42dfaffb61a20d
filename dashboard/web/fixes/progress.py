"""Progress of the monitor after a fix: calls observed, calls so far, and whether the result is as intended."""

from __future__ import annotations

from dashboard.core.text import counted, join
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Plan, RemoveAddress
from dashboard.domain.claims import lacking
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes.monitor import ENOUGH, MonitorResult
from dashboard.web.components.formatting import Color, owner_of


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
    removes = all(isinstance(change, RemoveAddress) for change in plan.changes)
    whom = join(f"{address} ({owner_of(address, snapshot)})" for address in seen.sources) or "your PBXs"
    head = f"Watching the next calls from {whom}"
    if not seen.calls:
        unseen = removes and Capability.REFUSALS_IN_CDRS not in snapshot.capabilities
        parts = [
            f"{head}: none yet.",
            "A refused call leaves no record here." if unseen else "",
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
    if removes:
        through = f"{counted(seen.admitted, 'call')} still went through" if seen.admitted else "all refused, as meant"
        return (*_look("orange", "warning", seen, bad=seen.admitted), f"{progress}, {through}.")
    if not seen.refused:
        return (*_look("red", "error", seen, bad=0), f"{progress}, all admitted.")
    whose = f", of {join(seen.others)}" if seen.others else ""
    if seen.foreseen == seen.refused:
        return "orange", "warning", f"{progress}, {seen.refused:,} refused, of {join(seen.foreseen_of)}, as foreseen."
    if seen.foreseen:
        rest = seen.refused - seen.foreseen
        whose = f": {seen.foreseen:,} of {join(seen.foreseen_of)}, as foreseen, and {rest:,} more{whose}"
    return "red", "error", f"{progress}, {seen.refused:,} refused{whose}."


def _look(color: Color, icon: str, seen: MonitorResult, *, bad: int) -> tuple[Color, str]:
    if bad:
        return color, icon
    return ("green", "good") if seen.over else ("gray", "time")
