"""Progress of the monitor after a fix: calls observed, calls so far, and whether the result is as intended."""

from __future__ import annotations

from dashboard.core.addresses import contains
from dashboard.core.text import counted, join
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, Plan, RemoveAddress, SetCredentials
from dashboard.domain.claims import lacking
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes import MONITORED_CALLS, MonitorResult, ProofCounts
from dashboard.web.components.formatting import Color, owner_of

Look = tuple[Color, str]
"""Color and name of the icon."""
UNFORESEEN: Look = ("red", "error")
FORESEEN: Look = ("orange", "warning")
BAD = (UNFORESEEN, FORESEEN)
"""Looks of results that are not all good, worst first."""


def monitor_state(plan: Plan, result: MonitorResult, snapshot: Snapshot) -> tuple[Color, str, str]:
    """
    Return the state of the monitor.

    Args:
        plan: The applied plan. Refusals of calls from an address that it removed are intended; refusals of calls of
            PBXs that its replay showed as broken are foreseen.
        result: Result of the monitor: the calls since the fix.
        snapshot: Snapshot with the names shown next to addresses, and whether refused calls are on record.

    Returns:
        The color, the name of the icon, and a sentence.
    """
    removes = [isinstance(change, RemoveAddress) for change in plan.changes]
    unseen = Capability.REFUSALS_IN_CDRS not in snapshot.capabilities
    head = f"Watching the next calls from {_sources_text(plan, result, snapshot)}"
    if not result.calls:
        parts = [
            f"{head}: none yet.",
            "A refused call leaves no record here." if all(removes) and unseen else "",
            lacking(snapshot, "calls"),
        ]
        return "gray", "time", " ".join(filter(None, parts))
    seen_so_far = counted(result.decided, "call") if result.over else f"{result.decided} of {MONITORED_CALLS} calls"
    progress = f"{head}: {seen_so_far}"
    neither = result.calls - result.decided
    if neither:
        progress += f" ({neither:,} more {'proves' if neither == 1 else 'prove'} neither admission nor refusal)"
    if not result.decided:
        return "gray", "time", f"{progress}."
    kept_look, kept_text = _describe_kept(result)
    removed_look, removed = _describe_removed(result)
    looks = [look for look in (kept_look, removed_look) if look]
    good: Look = ("green", "good") if result.over else ("gray", "time")
    look = min(looks, key=BAD.index) if looks else good
    if not any(removes):
        return (*look, f"{progress}, {kept_text}.")
    if all(removes) and not result.kept.decided:
        return (*look, f"{progress}, {removed}.")
    silent = ", where a refused call leaves no record" if unseen else ""
    parts_by_source = (
        _outcome_text("your PBXs" if _switches(plan) else "listed addresses", result.kept, kept_text),
        _outcome_text("removed addresses", result.removed, removed, silent),
    )
    return (*look, f"{progress}: {'; '.join(parts_by_source)}.")


def _switches(plan: Plan) -> bool:
    return any(isinstance(change, SetCredentials) for change in plan.changes)


def _sources_text(plan: Plan, result: MonitorResult, snapshot: Snapshot) -> str:
    """Return whose calls are watched; where addresses inside a removed network were added, the others in it."""
    added = [change.network for change in plan.changes if isinstance(change, AllowAddress)]
    source_names = [
        f"other addresses in {source}"
        if source not in added and any(contains([source], address) for address in added)
        else f"{source} ({owner_of(source, snapshot)})"
        for source in result.sources
    ]
    return join(["your PBXs", *source_names] if _switches(plan) else source_names)


def _outcome_text(source: str, outcomes: ProofCounts, result_text: str, silent: str = "") -> str:
    """Return the number of calls of one kind of source and what became of them."""
    return f"{outcomes.decided:,} of {source}, {result_text}" if outcomes.decided else f"none of {source}{silent}"


def _describe_kept(result: MonitorResult) -> tuple[Look | None, str]:
    """Return what became of the calls that should be admitted, and how it looks if it is not all good."""
    refused = result.kept.refused
    if not refused:
        return None, "all admitted"
    if result.expected_refusals == refused:
        return FORESEEN, f"{refused:,} refused, of {join(result.expected_callers)}, as foreseen"
    caller_text = f", of {join(result.others)}" if result.others else ""
    if result.expected_refusals:
        unexpected = refused - result.expected_refusals
        caller_text = (
            f": {result.expected_refusals:,} of {join(result.expected_callers)}, as foreseen, and {unexpected:,} "
            f"more{caller_text}"
        )
    return UNFORESEEN, f"{refused:,} refused{caller_text}"


def _describe_removed(result: MonitorResult) -> tuple[Look | None, str]:
    """Return what became of the calls that should be refused, and how it looks if it is not all good."""
    through = result.removed.admitted
    return (FORESEEN, f"{counted(through, 'call')} still went through") if through else (None, "all refused, as meant")
