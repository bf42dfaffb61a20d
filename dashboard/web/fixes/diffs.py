"""A plan's changes as rows to be read: what, as it is now, as it will be."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.core.text import counted
from dashboard.domain.changes import AllowAddress, Change, CreateRoute, DeleteRoute, Plan, RouteNumber, SetCredentials
from dashboard.domain.snapshot import Snapshot
from dashboard.fixes.account_image import POLICY_KINDS, SIP_REG
from dashboard.web.components.formatting import mono, owner_of, plain

ROUTES = {"": "Unassigned", SIP_REG: "SIP registration"}
"""How a number's route is said where it is none that somebody made."""


@dataclass(frozen=True)
class DiffRow:
    """One change, in Markdown."""

    what: str
    before: str
    after: str


def rows(changes: tuple[Change, ...], snapshot: Snapshot) -> list[DiffRow]:
    """
    Say each change as it is now and as it will be.

    Args:
        changes: Of a plan, in their order.
        snapshot: For the names that stand beside addresses.
    """
    return [_row(change, snapshot) for change in changes]


def table(changes: tuple[Change, ...], snapshot: Snapshot, *, done: bool = False) -> str:
    """Write the changes as a Markdown table; ``done`` speaks of the past."""
    heads = ("Before", "After") if done else ("Now", "After")
    lines = [f"| Change | {heads[0]} | {heads[1]} |", "|:--|:--|:--|"]
    lines += [f"| {row.what} | {row.before} | {row.after} |" for row in rows(changes, snapshot)]
    return "\n".join(lines)


def title(plan: Plan) -> str:
    """Say what a plan does; one that takes another back says what that comes to."""
    return plan.title if plan.undoes is None else f"Undo: {_lower(_sentence(plan.changes))}"


def press(plan: Plan) -> str:
    """Say on the button what a plan does; several changes stand above it and are counted."""
    if len(plan.changes) == 1:
        return title(plan)
    these = f"these {counted(len(plan.changes), 'change')}"
    return f"Make {these}" if plan.undoes is None else f"Take back {these}"


def back(plan: Plan) -> str:
    """Say what taking a plan back does; where it took another back itself, that comes to doing that again."""
    return "Undo" if plan.undoes is None else f"{_sentence(plan.inverse_changes())} again"


def touches_policy(plan: Plan) -> bool:
    """Say whether a plan bears on which outbound calls are admitted."""
    return any(isinstance(change, POLICY_KINDS) for change in plan.changes)


def _sentence(changes: tuple[Change, ...]) -> str:
    first, rest = changes[0].sentence(), len(changes) - 1
    return f"{first} and {counted(rest, 'more change')}" if rest else first


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"


def _row(change: Change, snapshot: Snapshot) -> DiffRow:
    if isinstance(change, SetCredentials):
        on, off = "Enabled", "Disabled"
        return DiffRow("Outbound credentials", off if change.enabled else on, on if change.enabled else off)
    if isinstance(change, CreateRoute | DeleteRoute):
        value = _in_cell(change.value)
        there = isinstance(change, DeleteRoute)
        return DiffRow(
            f"Inbound route {plain(change.alias)}", value if there else "Not there", "Not there" if there else value
        )
    if isinstance(change, RouteNumber):
        was, now = (ROUTES.get(alias, plain(alias)) for alias in (change.was_alias, change.to_alias))
        return DiffRow(f"Number {_in_cell(change.number)}", was, now)
    about = ", ".join(
        filter(None, (change.label, change.owner, change.purpose, change.role * (change.role != "active")))
    )
    listed = f"On the list{f': {plain(about)}' if about else ''}"
    what = f"{_in_cell(change.network)} ({plain(owner_of(change.network, snapshot))})"
    allowed = isinstance(change, AllowAddress)
    return DiffRow(what, "Not on the list" if allowed else listed, listed if allowed else "Not on the list")


def _in_cell(text: str) -> str:
    """Write text in monospace in a cell of a table, which a bar would end."""
    return mono(text).replace("|", "\\|")
