"""Removals for cause: entries that a fix removed from the list for a reason recorded in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.domain.changes import UNASSIGNED, AllowAddress, Plan, RemoveAddress
from dashboard.domain.replay_labels import BROKEN, CANNOT, STOPPED
from dashboard.storage import PHASE_DONE, JournalEntry

CHECK = "allowed_ip_has_pbx"
"""Check whose fix removes an entry because no PBX in service has its address."""
OLD_SUFFIX = " (nobody's)"
"""Suffix of an unassigned address in plans stored before the word "unassigned" was introduced."""


@dataclass(frozen=True)
class Removal:
    """A fix that removed an entry for cause."""

    network: str
    at: datetime
    entry: int
    """Number of the ``done`` entry of the journal."""
    cause: str
    """A clause that follows "because"."""
    cost_usd: str
    """Cost of the calls that it stopped, if the plan removed only this entry; ``"0"`` if unknown."""


def removals_for_cause(entries: Sequence[JournalEntry]) -> dict[str, Removal]:
    """
    Find the entries whose latest change was a removal for cause.

    Args:
        entries: The journal, oldest first.

    Returns:
        Removals by network, without entries that were allowed again since.
    """
    begun = {entry.action: entry for entry in entries if "plan" in entry.content}
    removals: dict[str, Removal] = {}
    for entry in entries:
        if entry.phase != PHASE_DONE or entry.action not in begun:
            continue
        plan = Plan.model_validate(begun[entry.action].content["plan"])
        for change in plan.changes:
            if isinstance(change, AllowAddress):
                removals.pop(change.network, None)
            if isinstance(change, RemoveAddress):
                removals.pop(change.network, None)
                if cause := _cause(plan, change.network):
                    cost = _cost(plan) if len(plan.changes) == 1 else "0"
                    removals[change.network] = Removal(change.network, entry.at, entry.id, cause, cost)
    return removals


def _cause(plan: Plan, network: str) -> str:
    """Return why a plan removed an entry; ``""`` if the reason is no objection to allowing it again."""
    stopped = [name for label in (STOPPED, CANNOT, BROKEN) for name in plan.impact.who(label)]
    if plan.check == CHECK and plan.subject == network:
        return "no PBX in service had its address"
    if network + UNASSIGNED in stopped or network + OLD_SUFFIX in stopped:
        return "its calls were of no PBX of yours"
    return ""


def _cost(plan: Plan) -> str:
    """Return the cost of a plan's unassigned calls, USD; plans with four labels count them as ``broken``."""
    costs = [plan.impact.labels[label].cost_usd for label in (STOPPED, CANNOT, BROKEN) if _unassigned(plan, label)]
    return costs[0] if costs else "0"


def _unassigned(plan: Plan, label: str) -> bool:
    calls = plan.impact.calls(label)
    return calls > 0 and plan.impact.nobodys.get(label, 0) == calls
