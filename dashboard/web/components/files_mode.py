"""Mode ``files``: steps still needed to evaluate imported files, and the age of their calls."""

from __future__ import annotations

from datetime import datetime

from dashboard.core.elapsed import ago
from dashboard.services import Workspace, calls_until

STEPS = {
    "account": "record the tech prefix and the credentials on the page Account",
    "allowed_ips": "paste the list of Outbound Allowed IPs on the page Account",
    "pbxs": "add your PBXs on the page Inventory",
}
"""Kind of declared input to the step in which an operator provides it."""
NEVER = "Inbound routes stay unknown: only the carrier's API provides them, and this home has no key."
"""Sentence on what stays unknown in this mode, with the reason."""


def badge(until: datetime | None) -> str:
    """Return the header's text on the age of the latest imported call."""
    return f"Latest imported call {ago(until)}" if until else "No calls imported"


def next_steps(workspace: Workspace) -> str:
    """Return the steps that an operator still has to take before everything can be evaluated; empty if none is left."""
    steps = (
        []
        if calls_until(workspace.state, workspace.store, workspace.settings)
        else ["import call record files with `trunkgate calls import FILE`"]
    )
    steps += [step for kind, step in STEPS.items() if workspace.state.latest(kind) is None]
    if not steps:
        return ""
    return f"This home is judged by imported files, without an API key. Next: {'; '.join(steps)}."
