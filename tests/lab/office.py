"""Operator actions in the scenarios: apply a plan, and turn credentials off after a replay of that change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dashboard.calls.replay.replayer import BROKEN, Replayer
from dashboard.domain.actors import local_actor
from dashboard.domain.changes import Plan, SetCredentials
from dashboard.fixes.account_image import proposed
from dashboard.services.workspace import Workspace

ANA = local_actor("ana")


def carry_out(office: Workspace, plan: Plan) -> int:
    """Apply a plan with its confirmation phrases; return the number of the journal entry."""
    return office.apply(plan, actor=ANA, typed=list(plan.phrases)).id


def turned_off_as_foreseen(office: Workspace, who: str, calls: int) -> int:
    """
    Turn credentials off, and return the number of the journal entry.

    Args:
        office: The workspace.
        who: Name of the only PBX whose calls the replay must report as broken.
        calls: Number of broken calls that the replay must report for the last hour.
    """
    snapshot = office.snapshot()
    off = SetCredentials(enabled=False)
    since = datetime.now(UTC) - timedelta(hours=1)
    foreseen = Replayer(snapshot).against(proposed(snapshot.policy, [off]), since=since)
    assert {who} == set(foreseen.impact.breaks)
    assert calls == foreseen.impact.calls(BROKEN)
    return carry_out(office, office.plan_changes([off]))
