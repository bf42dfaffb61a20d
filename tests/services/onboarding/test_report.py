"""Report on the set-up: what remains of it, what is not proven, and errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard import checks
from dashboard.core.errors import InputError
from dashboard.services.onboarding import notes
from dashboard.services.onboarding.context import OnboardingContext
from dashboard.services.onboarding.notes import Note
from dashboard.services.onboarding.report import onboarding_report
from dashboard.services.onboarding.steps import StepProgress
from tests.builders import NOW, calls_row, make_snapshot, pbx
from tests.texts import golden, golden_pattern

ADDRESS = "198.51.100.24"
MOST = 25


def world(**facts: Any) -> OnboardingContext:
    """Return one PBX on standby whose admitted calls prove every step, unless its row says something else."""
    row = pbx("denver", **{"status": "standby", **facts})
    snapshot = make_snapshot(
        allowed=(ADDRESS,),
        pbxs=[row],
        addresses=[{"pbx_id": "denver", "address": ADDRESS}],
        traffic=[calls_row(ADDRESS, pbx_id="denver", attributed_by="address")],
    )
    noted = Note(notes.CONFIGURED, NOW - timedelta(hours=2), "kim", {})
    return OnboardingContext(snapshot, checks.run(snapshot), {"denver": {noted.kind: noted}})


def test_one_pbx_is_done_without_the_step_of_the_account() -> None:
    """The step of the account counts for all PBXs together, because it waits for all of them."""
    one = onboarding_report(world(), MOST, "denver")
    everyone = onboarding_report(world(), MOST)

    assert (False, False) == (one.to_do, one.unproven)
    assert (StepProgress.BLOCKED, True) == (everyone.account.progress, everyone.to_do)
    assert golden("pages.set_up.title_all_proven", pbx="Denver") == one.headline
    assert 1 == one.counts[StepProgress.DONE]


def test_what_is_only_said_is_not_proven() -> None:
    """A PBX with a step that a person said is done is neither done nor to do."""
    found = onboarding_report(world(dials_prefix="unknown"), MOST, "denver")

    assert (False, True) == (found.to_do, found.unproven)
    assert {StepProgress.DONE: 0, StepProgress.OPEN: 0, StepProgress.SAID: 1, StepProgress.UNKNOWN: 0} == found.counts


def test_a_retired_pbx_is_reported_only_by_its_id() -> None:
    """Retired PBXs are not in the report of all; a report without a PBX proves nothing."""
    ground = world(status="retired")

    assert () == onboarding_report(ground, MOST).pbxs
    assert onboarding_report(ground, MOST).unproven
    assert ["denver"] == [one.pbx_id for one in onboarding_report(ground, MOST, "denver").pbxs]


def test_an_unknown_id_is_an_error_with_the_known_ones() -> None:
    """The error names the ids that the inventory has."""
    with pytest.raises(InputError, match=golden_pattern("pages.set_up.give_the_id_of")):
        onboarding_report(world(), MOST, "tampa")
