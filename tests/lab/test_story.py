"""Scenario on real calls: a refusal is found and fixed; credentials off breaks calls as predicted and is undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.calls.replay.replayer import SAVED
from dashboard.core.settings import Settings
from dashboard.domain.findings import Finding, Status
from dashboard.services.workspace import Workspace
from tests.lab.edge import PASSWORD, USER
from tests.lab.lab import PREFIX, Lab
from tests.lab.office import carry_out, turned_off_as_foreseen

DENVER = "198.51.100.24"
ATLANTA = "198.51.100.40"


@pytest.fixture(scope="module")
def office(lab: Lab) -> Iterator[Workspace]:
    """Open the workspace on the lab's account."""
    lab.set(digest_rescues_prefix=True)
    with Workspace.open(Settings(home=lab.folder)) as opened:
        yield opened


def number(last: int) -> str:
    """Return a number with the given last two digits; see ``scenario.ENDINGS`` for the last one."""
    return f"120255501{last:02}"


def placed(lab: Lab, *numbers: str, source: str, digest: bool = False) -> set[int]:
    """Place a call to each number, wait for its record, and return the set of SIP statuses."""
    users = [f"{PREFIX}*{one}" for one in numbers]
    ended = lab.call(*users, source=source, **({"user": USER, "password": PASSWORD} if digest else {}))
    assert len(lab.settled(numbers, len(numbers))) == len(numbers)
    return {call.status for call in ended}


def synced(office: Workspace, calls: int) -> None:
    """Sync, and check the number of new calls."""
    before = office.store.count()
    office.sync()
    assert office.store.count() - before == calls


def faults(office: Workspace, subject: str) -> list[Finding]:
    """Return the failing findings of a subject."""
    return [one for one in office.findings() if one.subject == subject and one.status is Status.FAIL]


def test_a_refused_pbx_is_found_fixed_and_answered(lab: Lab, office: Workspace) -> None:
    """A 403 leads to a CDR and a finding; after one fix the PBX's next call is answered and the finding is verified."""
    lab.set(credentials_enabled=False)

    assert {403} == placed(lab, number(10), number(11), source=DENVER)
    synced(office, 2)
    found = faults(office, DENVER)
    assert found
    assert all(one.changes for one in found)

    plan = office.plan(found[0].check, DENVER)
    assert plan.impact.calls(SAVED) == 2
    carry_out(office, plan)
    assert {200} == placed(lab, number(12), source=DENVER)
    synced(office, 1)

    assert not faults(office, DENVER)
    assert {"verified"} == {
        one.life for one in office.findings() if (one.check, one.subject) == (found[0].check, DENVER)
    }


def test_replay_prediction_matches_real_calls(lab: Lab, office: Workspace) -> None:
    """With credentials off the PBX that relies on its digest is refused as predicted; after undo it is answered."""
    lab.set(credentials_enabled=True)
    assert {200} == placed(lab, number(20), number(21), source=ATLANTA, digest=True)
    assert {200} == placed(lab, number(22), source="198.51.100.11")
    synced(office, 3)

    entry = turned_off_as_foreseen(office, "Atlanta", 2)
    assert {403} == placed(lab, number(23), source=ATLANTA, digest=True)
    assert {200} == placed(lab, number(28), source="198.51.100.11")

    carry_out(office, office.undo_plan(entry))
    assert {200} == placed(lab, number(25), source=ATLANTA, digest=True)
    synced(office, 3)
