"""
Verdicts on the complete sample account that must not appear beside its planted failures.

``tests/emulator/test_sample.py`` covers the planted failures, story by story.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.domain.findings import Severity, Status
from dashboard.emulator.traffic.sample import load
from dashboard.services.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("recorded", [True, False])
def test_nothing_grave_is_left_undecided_and_a_standby_site_is_in_order(
    embedded: Callable[..., Workspace], *, recorded: bool
) -> None:
    """No verdict of high severity is unknown, and every verdict on Dallas and its entry is a pass."""
    account = embedded(sample_refusals_in_cdrs=recorded)
    account.sync()
    snapshot = account.snapshot()
    found = account.findings(snapshot)
    sample = load(snapshot.taken_at)
    standby = {row["pbx_id"] for row in sample.pbxs if row["status"] == "standby"}
    subjects = standby | {row["address"] for row in sample.pbx_addresses if row["pbx_id"] in standby}
    said = {(f.check, f.subject): f.status for f in found if f.subject in subjects}

    assert [] == [
        (f.check, f.subject) for f in found if f.status is Status.UNKNOWN and f.severity.at_least(Severity.HIGH)
    ]
    assert subjects == {"dallas", "198.51.100.70"} == {subject for _, subject in said}
    assert {Status.PASS} == set(said.values())
