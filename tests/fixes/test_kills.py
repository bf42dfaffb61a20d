"""Killed fixes: every entry has an outcome, every change an entry, no effect occurs twice, and undo works."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dashboard.domain.changes import Plan
from dashboard.services.workspace import Workspace
from dashboard.storage.journal import PHASE_DONE, PHASE_FAILED, PHASE_PARTLY
from tests.fixes.killing import Kills

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

AT_STEPS = [
    (3, False, "", "before the first entry is announced"),
    (3, True, "", "announced, and not committed"),
    (4, False, PHASE_FAILED, "committed, before the first change"),
    (5, False, PHASE_FAILED, "before the first change is sent"),
    (5, True, PHASE_PARTLY, "after the first change"),
    (6, True, PHASE_PARTLY, "after the second change"),
    (7, True, PHASE_DONE, "after the last change"),
    (9, True, PHASE_DONE, "read again, before the outcome is announced"),
    (10, True, PHASE_DONE, "announced, and not committed"),
    (11, False, PHASE_DONE, "committed"),
]
"""Steps of a plan with three changes: two reads, two anchors, three changes, two reads, two anchors."""
IN_ROLL_BACK = [(7, False, PHASE_PARTLY), (7, True, PHASE_FAILED)]
"""The carrier refuses the second change, so the first is rolled back."""


@pytest.fixture
def kills(synced: Workspace) -> tuple[Kills, Plan]:
    """Open the sample account, and plan a route with its two numbers."""
    return Kills(synced), synced.plan("pbx_has_inbound_route", "phoenix")


def test_killed_fix_gets_an_outcome(kills: tuple[Kills, Plan]) -> None:
    """After a kill at every kind of step and at random times, records equal the account, and undo restores it."""
    run, plan = kills
    found: list[Any] = [run.at_step(plan, step, after=after) for step, after, *_ in AT_STEPS]
    rolled_back = [run.at_step(plan, step, after=after, refused=2) for step, after, _ in IN_ROLL_BACK]
    rng = random.Random(14)
    found_at_random = [run.at_random(plan, rng) for _ in range(2)]

    assert [phase for _, _, phase, _ in AT_STEPS] == [each.phase for each in found]
    assert [phase for *_, phase in IN_ROLL_BACK] == [each.phase for each in rolled_back]
    assert {True} == {each.killed for each in found + rolled_back}
    assert (False, PHASE_DONE) == (found_at_random[0].killed, found_at_random[0].phase)
