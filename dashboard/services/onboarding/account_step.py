"""Last set-up step, for the whole account: turn credentials off once calls prove that no PBX needs them."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.core.text import counted, join
from dashboard.domain.claims import lacking
from dashboard.domain.findings import Finding, Status
from dashboard.services.onboarding.context import CREDENTIALS, OnboardingContext
from dashboard.services.onboarding.steps import Progress, calls_by_address

MOST_NAMED = 12


@dataclass(frozen=True)
class Credentials:
    """Progress of the step, evidence, PBXs that still need credentials, and the finding whose fix turns them off."""

    progress: Progress
    evidence: str
    needs: tuple[str, ...] = ()
    """Sentences on PBXs that need credentials, and on those not proven to work without them."""
    finding: Finding | None = None


def credentials(ground: OnboardingContext) -> Credentials:
    """
    Evaluate the step.

    While credentials are on, it is open only if calls prove that every active static PBX works without them and no
    active PBX has a dynamic address, because the switch applies to the whole account.
    """
    known = ground.snapshot
    active = [pbx for pbx in ground.pbxs.values() if pbx["status"] == "active"]
    dynamic = [pbx["pbx_id"] for pbx in active if pbx["ip_kind"] == "dynamic"]
    static = [pbx["pbx_id"] for pbx in active if pbx["ip_kind"] != "dynamic"]
    waiting = [pbx_id for pbx_id in static if not calls_by_address(ground, pbx_id)]
    needs = [f"Must keep them, with a dynamic address: {_names(ground, dynamic)}."] if dynamic else []
    needs += [f"Not proven by calls yet: {_names(ground, waiting)}."] if waiting else []
    if known.account.credentials_on is None:
        return Credentials(Progress.UNKNOWN, "Whether they are on is not known. Say so on Account.", tuple(needs))
    if why := lacking(known, "credentials", "inventory"):
        return Credentials(Progress.UNKNOWN, f"Whether they can stay off is not known. {why}", tuple(needs))
    if not known.account.credentials_on:
        if dynamic:
            return Credentials(Progress.OPEN, f"They are off, and {_names(ground, dynamic)} cannot call.", tuple(needs))
        return Credentials(Progress.DONE, "They are off: calls complete from listed addresses only.")
    return _on(ground, static, dynamic, waiting, tuple(needs))


def _on(
    ground: OnboardingContext, static: list[str], dynamic: list[str], waiting: list[str], needs: tuple[str, ...]
) -> Credentials:
    if waiting:
        done = len(static) - len(waiting)
        proven = (
            f"{done:,} of {counted(len(static), 'static PBX', 'static PBXs')} {'is' if done == 1 else 'are'} proven"
        )
        return Credentials(Progress.BLOCKED, f"They stay on: {proven} by calls to do without them.", needs)
    if dynamic:
        verb = "has a dynamic address" if len(dynamic) == 1 else "have dynamic addresses"
        text = f"They stay on as long as {_names(ground, dynamic)} {verb}. Every static PBX does without them."
        return Credentials(Progress.BLOCKED, text, needs)
    if not static:
        return Credentials(Progress.BLOCKED, "They are on, and no PBX is active: nothing is proven yet.")
    found = [one for one in ground.findings if one.check == CREDENTIALS and one.status is Status.FAIL and one.changes]
    text = "They are on, and calls prove that every PBX does without them."
    return Credentials(Progress.OPEN, text, finding=next(iter(found), None))


def _names(ground: OnboardingContext, pbx_ids: list[str]) -> str:
    return join((ground.snapshot.name_of(one) for one in pbx_ids), most=MOST_NAMED)
