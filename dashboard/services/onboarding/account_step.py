"""Last set-up step, for the whole account: turn credentials off once calls prove that no PBX needs them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from dashboard.core.text import counted, join
from dashboard.domain.admitted_calls import AdmittedCalls
from dashboard.domain.claims import lacking
from dashboard.domain.findings import Cause, Finding, Status
from dashboard.domain.snapshot import Age
from dashboard.services.onboarding.context import CREDENTIALS_CHECK, OnboardingContext
from dashboard.services.onboarding.steps import (
    OnboardingStep,
    StepProgress,
    StepResult,
    calls_by_address,
    not_fresh,
    out_of_date,
)

MOST_NAMED = 12
STEP: Final = "credentials"
"""Id of the step."""
TITLE: Final = "Credentials off, for the whole account"
OFF: Final = ("credentials", "inventory")
"""Inputs that show whether credentials are off and whether any PBX needs them."""
BY_CALLS: Final = ("calls", "allowed_ips")
"""Further inputs that show, while credentials are on, which PBXs do without them."""


@dataclass(frozen=True)
class Credentials:
    """The step, the PBXs that still need credentials, and the finding whose fix turns them off."""

    step: OnboardingStep
    needs: tuple[str, ...] = ()
    """Sentences on PBXs that need credentials, and on those not proven to work without them."""
    finding: Finding | None = None
    """Set only if the step is open and its fix can be planned now."""

    @property
    def progress(self) -> StepProgress:
        """Progress of the step."""
        return self.step.progress

    @property
    def evidence(self) -> str:
        """Evidence of the step."""
        return self.step.evidence


def credentials(ground: OnboardingContext) -> Credentials:
    """
    Evaluate the step.

    While credentials are on, it is open only if calls prove that every active static PBX works without them and no
    active PBX has a dynamic address, because the switch applies to the whole account.
    """
    snapshot = ground.snapshot
    active = [pbx for pbx in ground.pbxs.values() if pbx["status"] == "active"]
    dynamic = [pbx["pbx_id"] for pbx in active if pbx["ip_kind"] == "dynamic"]
    static = [pbx["pbx_id"] for pbx in active if pbx["ip_kind"] != "dynamic"]
    waiting = [pbx_id for pbx_id in static if not calls_by_address(ground, pbx_id)]
    needs = [f"Must keep them, with a dynamic address: {_names(ground, dynamic)}."] if dynamic else []
    needs += [f"Not proven by calls yet: {_names(ground, waiting)}."] if waiting else []
    if snapshot.account.credentials_on is None:
        text = "Whether they are on is not known. Say so on Account."
        return Credentials(
            _step(StepResult(StepProgress.UNKNOWN, text, Cause.MISSING, None, ("credentials",))), tuple(needs)
        )
    if names := not_fresh(snapshot, *OFF):
        text = f"Whether they can stay off is not known. {lacking(snapshot, *names)}"
        return _unknown(ground, names, text, needs)
    if not snapshot.account.credentials_on:
        if dynamic:
            text = f"They are off, and {_names(ground, dynamic)} cannot call."
            return Credentials(_step(StepResult(StepProgress.OPEN, text)), tuple(needs))
        text = "They are off: calls complete from listed addresses only."
        return Credentials(_step(StepResult(StepProgress.DONE, text)))
    return _on(ground, static, dynamic, waiting, needs)


def _on(
    ground: OnboardingContext, static: list[str], dynamic: list[str], waiting: list[str], needs: Sequence[str]
) -> Credentials:
    names = not_fresh(ground.snapshot, *BY_CALLS) if static else ()
    if names and not dynamic:
        return _unknown(ground, names, f"They are on. {_not_known(ground, names)}", needs)
    if waiting and not names:
        proven_count = len(static) - len(waiting)
        proven = (
            f"{proven_count:,} of {counted(len(static), 'static PBX', 'static PBXs')} "
            f"{'is' if proven_count == 1 else 'are'} proven"
        )
        text = f"They stay on: {proven} by calls to do without them."
        return Credentials(_step(StepResult(StepProgress.BLOCKED, text)), tuple(needs))
    if dynamic:
        verb = "has a dynamic address" if len(dynamic) == 1 else "have dynamic addresses"
        text = f"They stay on as long as {_names(ground, dynamic)} {verb}."
        if static:
            text += f" {_not_known(ground, names) if names else _static_pbxs(ground, static)}"
        return Credentials(_step(StepResult(StepProgress.BLOCKED, text, lacking=names)), tuple(needs))
    if not static:
        text = "They are on, and no PBX is active: nothing is proven yet."
        return Credentials(_step(StepResult(StepProgress.BLOCKED, text)))
    candidates = [
        finding
        for finding in ground.findings
        if finding.check == CREDENTIALS_CHECK and finding.status is Status.FAIL and finding.changes
    ]
    quiet = _quiet(ground, static)
    text = "They are on, and calls prove that every PBX does without them."
    if quiet:
        text = f"They are on. Every PBX has placed calls by address, {_no_recent_call(ground, quiet)}"
    return Credentials(_step(StepResult(StepProgress.OPEN, text)), finding=next(iter(candidates), None))


def _static_pbxs(ground: OnboardingContext, static: Collection[str]) -> str:
    """Return a sentence on static PBXs, all of which have placed calls by address; the present needs recent calls."""
    quiet = _quiet(ground, static)
    if quiet:
        return f"Every static PBX has placed calls by address, {_no_recent_call(ground, quiet)}"
    return "Every static PBX does without them."


def _quiet(ground: OnboardingContext, pbx_ids: Collection[str]) -> list[str]:
    """Return those of the active PBXs that no call of the last 24 hours proves to place calls."""
    return [pbx_id for pbx_id in ground.snapshot.memoize(AdmittedCalls).quiet if pbx_id in pbx_ids]


def _no_recent_call(ground: OnboardingContext, quiet: Sequence[str]) -> str:
    return f"but no call of the last 24 hours proves that calls of {_names(ground, quiet)} are admitted now."


def _not_known(ground: OnboardingContext, names: Sequence[str]) -> str:
    return f"Whether the static PBXs can do without them is not known. {lacking(ground.snapshot, *names)}"


def _unknown(ground: OnboardingContext, names: Sequence[str], evidence: str, needs: Sequence[str]) -> Credentials:
    """Return the step as unknown, because inputs are missing or stale; with the last known result if they are stale."""
    missing = any(ground.snapshot.age(name) is Age.MISSING for name in names)
    recorded = StepResult(StepProgress.UNKNOWN, "") if missing else credentials(ground.as_recorded).step
    result = out_of_date(ground.snapshot, names, evidence, recorded.progress, recorded.evidence)
    return Credentials(_step(result), tuple(needs))


def _step(result: StepResult) -> OnboardingStep:
    return OnboardingStep(STEP, TITLE, *result)


def _names(ground: OnboardingContext, pbx_ids: Sequence[str]) -> str:
    return join((ground.snapshot.name_of(pbx_id) for pbx_id in pbx_ids), most=MOST_NAMED)
