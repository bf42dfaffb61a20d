"""Set-up progress of all PBXs: state and next step of each, and plans that cover several PBXs at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import pandas as pd

from dashboard.core.text import counted
from dashboard.domain.changes import Change, CreateRoute, RouteNumber
from dashboard.domain.claims import lacking
from dashboard.domain.findings import Finding, Status
from dashboard.domain.snapshot import Snapshot
from dashboard.services.onboarding.account_step import Credentials, credentials
from dashboard.services.onboarding.context import ALLOWED_CHECK, RETIRED, ROUTED_CHECK, OnboardingContext
from dashboard.services.onboarding.steps import (
    CHECKS,
    TITLES,
    TO_DO,
    OnboardingStep,
    StepProgress,
    calls_by_address,
    is_refused,
    next_open,
    steps,
)

COLUMNS: Final = {
    "kind": "Address",
    "dial": "Prefix",
    "snippet": "Configured",
    "allow": "Allowed",
    "route": "Routed",
    "probe": "Test call",
    "call": "First call",
}
"""Column heads of the steps, in order."""

NEXT = "→ Next"
REFUSED = "✕ Refused"
CELLS: Final = {
    StepProgress.DONE: "✓ Done",
    StepProgress.OPEN: "○ Open",
    StepProgress.SAID: "~ Said",
    StepProgress.BLOCKED: "… Waits",
    StepProgress.UNKNOWN: "? Unsure",
    StepProgress.NOT_NEEDED: "∅ Skip",
}
"""Text of a cell: a symbol and a word, so that color is never the only distinction."""

STATES: Final = {
    CELLS[StepProgress.DONE]: "good",
    NEXT: "risk",
    REFUSED: "lost",
    CELLS[StepProgress.OPEN]: "plain",
    CELLS[StepProgress.SAID]: "unknown",
    CELLS[StepProgress.BLOCKED]: "plain",
    CELLS[StepProgress.UNKNOWN]: "unknown",
    CELLS[StepProgress.NOT_NEEDED]: "unknown",
}
LEGEND = (
    "Next: can be done now. Open: can be done too. Waits: another step comes first. Said: somebody said so, nothing "
    "proves it yet. Unsure: nobody can tell, and the step says why. Skip: this PBX does not need it."
)


class Show(StrEnum):
    """Filter for the PBXs of the matrix."""

    ALL = "All"
    TO_DO = "To do"
    SET_UP = "Set up"


@dataclass(frozen=True)
class PbxProgress:
    """Set-up progress of one PBX; ``next`` is ``None`` if all steps are passed."""

    pbx_id: str
    name: str
    steps: tuple[OnboardingStep, ...]
    next: OnboardingStep | None
    by_address: bool
    """Whether calls prove that it works without credentials."""
    dynamic: bool
    active: bool
    refused: bool
    """Whether its last decided call was refused."""

    @property
    def place(self) -> int:
        """Number of the next step, from 1; number of steps plus 1 if there is none."""
        return self.steps.index(self.next) + 1 if self.next else len(self.steps) + 1

    @property
    def progress(self) -> StepProgress:
        """
        Progress of the whole set-up: ``OPEN`` if a step remains to be done, now or according to the last known data.

        Otherwise ``UNKNOWN`` if a step is unknown, ``SAID`` if a step is only said, else ``DONE``.
        """
        if any(step.to_do for step in self.steps):
            return StepProgress.OPEN
        states = {step.progress for step in self.steps}
        return next((one for one in (StepProgress.UNKNOWN, StepProgress.SAID) if one in states), StepProgress.DONE)

    def action(self, ground: OnboardingContext, step: OnboardingStep) -> str:
        """Return short text for what to do for one of its steps; empty if nothing can be done for it now."""
        return action(ground, self.pbx_id, step) if step.progress in TO_DO or step is self.next else ""


def fleet_progress(ground: OnboardingContext) -> list[PbxProgress]:
    """Return the progress of all PBXs that are not retired: those with refused calls first, then by next step."""
    result = [standing(ground, pbx_id) for pbx_id, pbx in ground.pbxs.items() if pbx["status"] != RETIRED]
    return sorted(result, key=_urgency)


def standing(ground: OnboardingContext, pbx_id: str) -> PbxProgress:
    """Return the progress of one PBX."""
    pbx = ground.pbxs[pbx_id]
    mine = tuple(steps(ground, pbx_id))
    return PbxProgress(
        pbx_id=pbx_id,
        name=ground.snapshot.name_of(pbx_id),
        steps=mine,
        next=next_open(mine),
        by_address=calls_by_address(ground, pbx_id),
        dynamic=pbx["ip_kind"] == "dynamic",
        active=pbx["status"] == "active",
        refused=is_refused(ground, pbx_id),
    )


def in_order(snapshot: Snapshot) -> list[str]:
    """Return the ids of all PBXs: active ones first, retired ones last, by name."""
    rows = snapshot.pbxs.assign(rank=snapshot.pbxs["status"].map({"active": 0, "standby": 1, RETIRED: 2}))
    return [str(pbx_id) for pbx_id in rows.sort_values(["rank", "name"])["pbx_id"]]


def _urgency(pbx: PbxProgress) -> tuple[bool, bool, bool, int, str, str]:
    return (not pbx.refused, pbx.next is None, not pbx.active, pbx.place, pbx.name.casefold(), pbx.pbx_id)


def filter_fleet(fleet: Sequence[PbxProgress], show: Show) -> list[PbxProgress]:
    """Return the PBXs that match a filter, in the given order."""
    return [pbx for pbx in fleet if show is Show.ALL or (pbx.next is None) is (show is Show.SET_UP)]


def frame_of(fleet: Sequence[PbxProgress], ground: OnboardingContext) -> pd.DataFrame:
    """Return the matrix: ``name``, ``next``, and one column per step whose cells are lists of one chip."""
    rows = [
        {"name": pbx.name, "next": next_action_text(pbx, ground)} | {step.id: [_cell(pbx, step)] for step in pbx.steps}
        for pbx in fleet
    ]
    return pd.DataFrame(rows, columns=["name", "next", *TITLES])


def _cell(pbx: PbxProgress, step: OnboardingStep) -> str:
    if step.id == "call" and pbx.refused:
        return REFUSED
    return NEXT if step is pbx.next and step.progress in TO_DO else CELLS[step.progress]


def evidence_of(fleet: Sequence[PbxProgress]) -> pd.DataFrame:
    """Return the matrix with evidence for export: two columns per step."""
    rows = [
        {"pbx_id": pbx.pbx_id, "name": pbx.name, "next": (update(pbx.next) or pbx.next.title) if pbx.next else ""}
        | {f"{step.id}_state": str(step.progress) for step in pbx.steps}
        | {f"{step.id}_evidence": step.evidence for step in pbx.steps}
        for pbx in fleet
    ]
    columns = [f"{name}_{part}" for name in TITLES for part in ("state", "evidence")]
    return pd.DataFrame(rows, columns=["pbx_id", "name", "next", *columns], dtype="str")


def next_action_text(pbx: PbxProgress, ground: OnboardingContext) -> str:
    """Return short text for the next action of a PBX; see ``action``."""
    return action(ground, pbx.pbx_id, pbx.next) if pbx.next else "Nothing"


def action(ground: OnboardingContext, pbx_id: str, step: OnboardingStep) -> str:
    """Return short text for what to do for a step of a PBX: the effect of its fix, the input to update, or the step."""
    changes = [change for finding in fixes(ground, pbx_id, step) for change in finding.changes]
    points = [change for change in changes if isinstance(change, RouteNumber)]
    if points:
        return f"Route {counted(len(points), 'number')}"
    if changes:
        return changes[0].describe()
    return update(step) or SHORT[step.id]


def account_action(account: Credentials) -> str:
    """Return short text for what to do for the step of the account; empty if nothing can be done for it now."""
    return account.finding.changes[0].describe() if account.finding else update(account.step)


def update(step: OnboardingStep) -> str:
    """Return which input to update first for a step that is unknown without it; else empty."""
    if step.progress is not StepProgress.UNKNOWN or not step.lacking:
        return ""
    return UPDATE[step.lacking[0]]


def fixes(ground: OnboardingContext, pbx_id: str, step: OnboardingStep) -> list[Finding]:
    """Return the findings whose changes complete a step of a PBX; none for a step that no check evaluates."""
    found = ground.of(CHECKS[step.id], pbx_id) if step.id in CHECKS else []
    return [finding for finding in found if finding.changes]


UPDATE: Final = {
    "calls": "Update the calls",
    "allowed_ips": "Update the allowed IPs",
    "credentials": "Update the credentials setting",
    "routes": "Update the routes",
    "inventory": "Confirm the inventory",
    "configurations": "Read the configurations",
}
"""What to do for an input that is missing or stale; the reason of the step and ``claims.cure`` say how."""
SHORT: Final = {
    "kind": "Add its address",
    "dial": "Dial the prefix",
    "snippet": "Put its configuration on",
    "allow": "See why it is not allowed",
    "route": "Say its numbers and host",
    "probe": "Place a test call",
    "call": "See a first call",
}


@dataclass(frozen=True)
class PlanBatch:
    """One plan for several PBXs: button label and changes; ``rest`` is the number left for the next plan."""

    label: str = ""
    changes: tuple[Change, ...] = ()
    rest: int = 0


def batch_allow(ground: OnboardingContext, most: int) -> PlanBatch:
    """
    Return the changes, proposed by the checks, that allow the addresses missing from the list.

    Args:
        ground: Data that the steps are evaluated from.
        most: Maximum number of changes in one plan.
    """
    by_sentence: dict[str, Change] = {}
    for finding in _failing(ground, ALLOWED_CHECK):
        for change in finding.changes:
            by_sentence.setdefault(change.describe(), change)
    included = tuple(by_sentence.values())[:most]
    return PlanBatch(
        _label("Allow", len(included), len(by_sentence), "address", "addresses"),
        included,
        len(by_sentence) - len(included),
    )


def batch_routes(ground: OnboardingContext, most: int) -> PlanBatch:
    """
    Return the changes that route numbers to their PBX; each route is created before a number points at it.

    Two PBXs with the same name would create the same route twice, so the second waits for the next plan.

    Args:
        ground: Data that the steps are evaluated from.
        most: Maximum number of changes in one plan.
    """
    included: list[Change] = []
    created: set[str] = set()
    total = sum(
        isinstance(change, RouteNumber) for finding in _failing(ground, ROUTED_CHECK) for change in finding.changes
    )
    for finding in _failing(ground, ROUTED_CHECK):
        creates = [change for change in finding.changes if isinstance(change, CreateRoute)]
        points = [change for change in finding.changes if isinstance(change, RouteNumber)]
        room = most - len(included) - len(creates)
        if room < 1 or any(change.alias in created for change in creates):
            continue
        created |= {change.alias for change in creates}
        included += [*creates, *points[:room]]
    routed = sum(isinstance(change, RouteNumber) for change in included)
    return PlanBatch(_label("Route", routed, total, "number", "numbers"), tuple(included), total - routed)


def _failing(ground: OnboardingContext, check: str) -> Iterable[Finding]:
    failing = [
        finding
        for finding in ground.findings
        if finding.check == check and finding.status is Status.FAIL and finding.changes
    ]
    return sorted(failing, key=lambda finding: finding.subject)


def _label(verb: str, included: int, total: int, noun: str, plural: str) -> str:
    if included < total:
        return f"{verb} {included:,} of {counted(total, noun, plural)}"
    return f"{verb} {counted(total, noun, plural)}" if total else ""


def answer(
    fleet: Sequence[PbxProgress], allow: PlanBatch, route: PlanBatch, account: Credentials, note: str = ""
) -> str:
    """
    Return a page title: how many PBXs have placed calls by IP authentication, and the next action.

    ``note`` names inputs that are not fresh.
    """
    if not fleet:
        return "No PBX is being set up."
    active = [pbx for pbx in fleet if pbx.active]
    static = [pbx for pbx in active if not pbx.dynamic]
    dynamic_count = len(active) - len(static)
    proven_count = sum(pbx.by_address for pbx in static)
    verb = "has" if proven_count == 1 else "have"
    statement = (
        "none is proven to place calls by address"
        if not proven_count
        else f"{proven_count:,} {verb} placed calls by address"
    )
    text = f"{statement[0].upper()}{statement[1:]}"
    if static:
        total = counted(len(static), "static PBX", "static PBXs")
        none_proven = f"None of {total} is proven to place calls by address"
        text = (
            f"{proven_count:,} of {total} {verb} placed calls by address" if proven_count or not note else none_proven
        )
    if static and proven_count == len(static):
        text = "Every static PBX has placed calls by address"
    if dynamic_count:
        text += f", {dynamic_count:,} keep{'s' if dynamic_count == 1 else ''} credentials"
    return f"{text}; next: {_next(fleet, allow, route, account)}. {note}".strip()


@dataclass(frozen=True)
class FleetProgress:
    """Set-up progress of all PBXs that are not retired and of the account, and the plans for several PBXs."""

    pbxs: tuple[PbxProgress, ...]
    account: Credentials
    allow: PlanBatch
    route: PlanBatch
    why: str
    """Sentences on inputs that are not fresh."""

    @classmethod
    def of(cls, ground: OnboardingContext, most: int) -> Self:
        """
        Evaluate all steps of all PBXs and the step of the account.

        Args:
            ground: Data that the steps are evaluated from.
            most: Maximum number of changes in one plan.
        """
        return cls(
            pbxs=tuple(fleet_progress(ground)),
            account=credentials(ground),
            allow=batch_allow(ground, most),
            route=batch_routes(ground, most),
            why=lacking(ground.snapshot),
        )

    @property
    def headline(self) -> str:
        """How many PBXs have placed calls by IP authentication, and the next action; see ``answer``."""
        return answer(self.pbxs, self.allow, self.route, self.account, self.why)


def _next(fleet: Sequence[PbxProgress], allow: PlanBatch, route: PlanBatch, account: Credentials) -> str:
    for batch in (allow, route):
        if batch.changes:
            return f"{batch.label[0].lower()}{batch.label[1:]}"
    first = fleet[0].next
    if first is not None and (missing := update(first)):
        return f"{missing[0].lower()}{missing[1:]}"
    if first is not None:
        waiting_count = sum(pbx.next is not None and pbx.next.id == first.id for pbx in fleet)
        return _FOR_MANY[first.id].format(pbxs=counted(waiting_count, "PBX", "PBXs"))
    return "turn credentials off" if account.finding else "nothing"


_FOR_MANY: Final = {
    "kind": "add the address of {pbxs}",
    "dial": "have {pbxs} dial the prefix",
    "snippet": "put the configuration on {pbxs}",
    "allow": "see why {pbxs} cannot be allowed",
    "route": "say numbers and host of {pbxs}",
    "probe": "place a test call from {pbxs}",
    "call": "see a first call of {pbxs}",
}
