"""Report on the set-up of every PBX, or of one, and of the account: steps, counts, and what remains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.core.errors import InputError
from dashboard.core.text import join
from dashboard.services.onboarding import steps
from dashboard.services.onboarding.account_step import Credentials, credentials
from dashboard.services.onboarding.context import OnboardingContext
from dashboard.services.onboarding.fleet import FleetProgress, PbxProgress, in_order, standing
from dashboard.services.onboarding.steps import OnboardingStep, StepProgress

MOST_NAMED: Final = 12
"""Maximum number of PBX ids that an error names."""
COUNTED: Final = (StepProgress.DONE, StepProgress.OPEN, StepProgress.SAID, StepProgress.UNKNOWN)
"""Values of ``PbxProgress.progress``."""


@dataclass(frozen=True)
class OnboardingReport:
    """Set-up progress of PBXs and of the account."""

    headline: str
    pbxs: tuple[PbxProgress, ...]
    account: Credentials
    judged: tuple[OnboardingStep, ...]
    """Steps that decide whether the set-up is done: those of the PBXs, and that of the account if it has all PBXs."""

    @property
    def to_do(self) -> bool:
        """Whether a step is to do or blocked, now or according to the last known data."""
        return any(step.to_do for step in self.judged)

    @property
    def unproven(self) -> bool:
        """Whether a step is unknown or only said, or there is no PBX."""
        return not self.pbxs or any(step.progress in (StepProgress.UNKNOWN, StepProgress.SAID) for step in self.judged)

    @property
    def counts(self) -> Mapping[StepProgress, int]:
        """Number of PBXs by their progress."""
        return {progress: sum(one.progress is progress for one in self.pbxs) for progress in COUNTED}


def onboarding_report(ground: OnboardingContext, most: int, pbx_id: str | None = None) -> OnboardingReport:
    """
    Evaluate the set-up of all PBXs that are not retired, or of one PBX.

    Args:
        ground: Data that the steps are evaluated from.
        most: Maximum number of changes in one plan.
        pbx_id: Id of one PBX in the inventory; ``None`` for all.

    Raises:
        InputError: The inventory has no PBX of that id.
    """
    if pbx_id is None:
        fleet = FleetProgress.of(ground, most)
        judged = (*(step for one in fleet.pbxs for step in one.steps), fleet.account.step)
        return OnboardingReport(fleet.headline, fleet.pbxs, fleet.account, judged)
    if pbx_id not in ground.pbxs:
        raise InputError(_no_pbx(ground, pbx_id))
    one = standing(ground, pbx_id)
    return OnboardingReport(steps.answer(one.steps, one.name), (one,), credentials(ground), one.steps)


def _no_pbx(ground: OnboardingContext, pbx_id: str) -> str:
    ids = in_order(ground.snapshot)
    text = f"There is no PBX {pbx_id[:80]} in the inventory."
    if not ids:
        return f"{text} It has none yet: add one with trunkgate inventory read FILE --keep."
    return f"{text} Give the id of one that it has: {join(ids, most=MOST_NAMED)}."
