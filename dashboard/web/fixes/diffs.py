"""Display of a plan's changes as rows: object, value now, value after."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.core.text import counted
from dashboard.domain.changes import AllowAddress, Change, CreateRoute, DeleteRoute, Plan, RouteNumber, SetCredentials
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes import account_image
from dashboard.web.components.formatting import mono_cell, owner_of, plain

ROUTES = {"": "Unassigned", account_image.SIP_REG: "SIP registration"}
"""Alias of a built-in route to its display text."""


@dataclass(frozen=True)
class DiffRow:
    """One change; all fields are Markdown."""

    what: str
    before: str
    after: str


def rows(changes: tuple[Change, ...], snapshot: Snapshot) -> list[DiffRow]:
    """
    Return one row per change with the values before and after.

    Args:
        changes: Changes of a plan, in their order.
        snapshot: Snapshot with the names shown next to addresses.
    """
    return [_row(change, snapshot) for change in changes]


def table(changes: tuple[Change, ...], snapshot: Snapshot, *, applied: bool = False) -> str:
    """Return the changes as a Markdown table; ``applied`` labels the first state "Before" instead of "Now"."""
    heads = ("Before", "After") if applied else ("Now", "After")
    lines = [f"| Change | {heads[0]} | {heads[1]} |", "|:--|:--|:--|"]
    lines += [f"| {row.what} | {row.before} | {row.after} |" for row in rows(changes, snapshot)]
    return "\n".join(lines)


def title(plan: Plan) -> str:
    """Return the title of a plan; for an undo, a description of its changes."""
    return plan.title if plan.undoes is None else f"Undo: {_lower(_sentence(plan.changes))}"


def apply_label(plan: Plan) -> str:
    """Return the label of the apply button: the title for one change, a count for several, which are listed above."""
    if len(plan.changes) == 1:
        return title(plan)
    count_text = f"these {counted(len(plan.changes), 'change')}"
    return f"Make {count_text}" if plan.undoes is None else f"Take back {count_text}"


def undo_label(plan: Plan) -> str:
    """Return the label of the undo button; for a plan that is itself an undo, the change that would be made again."""
    return "Undo" if plan.undoes is None else f"{_sentence(plan.inverse_changes())} again"


def touches_policy(plan: Plan) -> bool:
    """Return whether a plan affects which outbound calls are admitted."""
    return any(isinstance(change, account_image.POLICY_KINDS) for change in plan.changes)


def _sentence(changes: tuple[Change, ...]) -> str:
    first = changes[0].describe()
    remaining = len(changes) - 1
    return f"{first} and {counted(remaining, 'more change')}" if remaining else first


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"


def _row(change: Change, snapshot: Snapshot) -> DiffRow:
    if isinstance(change, SetCredentials):
        on = "Enabled"
        off = "Disabled"
        return DiffRow("Outbound credentials", off if change.enabled else on, on if change.enabled else off)
    if isinstance(change, CreateRoute | DeleteRoute):
        value = mono_cell(change.value)
        exists = isinstance(change, DeleteRoute)
        return DiffRow(
            f"Inbound route {plain(change.alias)}", value if exists else "Not there", "Not there" if exists else value
        )
    if isinstance(change, RouteNumber):
        old_route, now = (ROUTES.get(alias, plain(alias)) for alias in (change.was_alias, change.to_alias))
        return DiffRow(f"Number {mono_cell(change.number)}", old_route, now)
    about = ", ".join(
        filter(None, (change.label, change.owner, change.purpose, change.role * (change.role != "active")))
    )
    listed = f"On the list{f': {plain(about)}' if about else ''}"
    subject = f"{mono_cell(change.network)} ({plain(owner_of(change.network, snapshot))})"
    allowed = isinstance(change, AllowAddress)
    return DiffRow(subject, "Not on the list" if allowed else listed, listed if allowed else "Not on the list")
