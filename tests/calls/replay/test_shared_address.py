"""Calls from an address shared by several PBXs are ours, whichever PBX placed them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.calls.attribution import attribute
from dashboard.calls.replay.policy_evaluator import NOT_KNOWN, YES
from dashboard.calls.replay.replayer import BROKEN, Replayer
from dashboard.domain.admission import Policy
from dashboard.domain.changes import RemoveAddress
from dashboard.domain.snapshot import Snapshot, members
from dashboard.fixes import planner
from tests.builders import calls_row, cube_of, make_snapshot, pbx
from tests.texts import golden

NAT = "198.51.100.80"
GROUP = "orlando|tampa"


def world(**facts: str) -> Snapshot:
    """Return an account on which Tampa and Orlando share a listed address and place calls without an X-Tag."""
    made = make_snapshot(
        allowed=(NAT,),
        credentials_on=False,
        pbxs=[pbx("tampa"), pbx("orlando", **facts)],
        addresses=[{"pbx_id": pbx_id, "address": NAT} for pbx_id in ("tampa", "orlando")],
        traffic=[calls_row(NAT, calls=7)],
    )
    traffic = attribute(made.traffic, pbxs=made.pbxs, pbx_addresses=made.pbx_addresses, pbx_numbers=made.pbx_numbers)
    return replace(made, traffic=traffic)


def test_the_attribution_names_all_owners() -> None:
    """One id represents the PBXs of the address and displays as any one of them."""
    snapshot = world()

    assert [GROUP] == snapshot.traffic["pbx_id"].tolist()
    assert ("orlando", "tampa") == members(GROUP)
    assert () == members("")
    assert golden("replay.reasons.one_of_two_pbxs") == snapshot.name_of(GROUP)
    assert [golden("replay.reasons.one_of_two_pbxs")] == cube_of(snapshot).values("who")


def test_a_replay_counts_them_as_ours() -> None:
    """Without the entry the calls break; the affected PBXs are given by name and by id."""
    answer = Replayer(world()).against(Policy(frozenset(), credentials_on=False, tech_prefix="12345678"))

    assert (7, {}) == (answer.impact.calls(BROKEN), answer.impact.nobodys)
    assert (golden("replay.reasons.one_of_two_pbxs"),) == answer.impact.breaks
    assert ("orlando", "tampa") == answer.broken_pbxs()


@pytest.mark.parametrize(("prefix", "known"), [("yes", YES), ("no", NOT_KNOWN), ("unknown", NOT_KNOWN)])
def test_a_fact_of_the_group_is_what_all_agree_on(prefix: str, known: int) -> None:
    """
    A fact of the group is known only if all its PBXs agree.

    If one dials the prefix and another may not, the prefix of a call is unknown.
    """
    cases = Replayer(replace(world(dials_prefix=prefix), versions=())).cases

    assert [known] == cases.dials.tolist()


def test_a_fix_that_breaks_them_asks_for_both_names() -> None:
    """The confirmation phrase consists of the names of the PBXs."""
    plan = planner.build(world(), [RemoveAddress(network=NAT)], max_changes=5)

    assert ("Orlando, Tampa",) == plan.phrases
