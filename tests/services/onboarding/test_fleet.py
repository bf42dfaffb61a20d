"""Onboarding of many PBXs: summary, matrix, combined plans, archive, and the account's last step."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import checks
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.changes import AllowAddress, CreateRoute, RouteNumber
from dashboard.domain.claims import lacking
from dashboard.domain.findings import Cause
from dashboard.domain.snapshot import Freshness
from dashboard.fixes.planner import build
from dashboard.services.onboarding import config_archive, fleet
from dashboard.services.onboarding.account_step import Credentials, credentials
from dashboard.services.onboarding.context import OnboardingContext
from dashboard.services.onboarding.fleet import NEXT, REFUSED, PlanBatch, Show
from dashboard.services.onboarding.steps import StepProgress
from tests.builders import NOW, calls_row, make_snapshot, pbx, refused_row
from tests.texts import golden

POPS = [{"edge_strategy_id": "1", "name": "W", "host": "us-west-or.sip.flowroute.com", "ranges": "192.0.2.0/28"}]
MOST = 25


def world(count: int, *, calling: int = 0, listed: int = 0, dynamic: int = 0, **facts: Any) -> OnboardingContext:
    """Return ``count`` static PBXs, each with an unrouted number; the first ``listed`` and ``calling`` ones are so."""
    ids = [f"pbx-{n:04}" for n in range(count)]
    address = {pbx_id: f"198.51.{100 + n // 250}.{n % 250 + 1}" for n, pbx_id in enumerate(ids)}
    number = {pbx_id: f"1206555{n:04}" for n, pbx_id in enumerate(ids)}
    rows = [pbx(pbx_id, inbound_host=address[pbx_id]) for pbx_id in ids]
    rows += [pbx(f"dyn-{n}", ip_kind="dynamic", auth_method="credentials") for n in range(dynamic)]
    told: dict[str, Any] = {
        "pbxs": rows,
        "addresses": [{"pbx_id": pbx_id, "address": one} for pbx_id, one in address.items()],
        "allowed": tuple(address[pbx_id] for pbx_id in ids[:listed]),
        "traffic": [calls_row(address[one], pbx_id=one, attributed_by="address") for one in ids[:calling]],
        "pbx_numbers": [{"pbx_id": pbx_id, "number": one} for pbx_id, one in number.items()],
        "numbers": [{"number": one, "route_id": "0"} for one in number.values()],
        "edges": POPS,
    }
    snapshot = replace(make_snapshot(**(told | facts)), treated_as_public=("198.51.0.0/16",))
    return OnboardingContext(snapshot, checks.run(snapshot), {})


def said(ground: OnboardingContext, most: int = MOST) -> str:
    """Return the summary sentence."""
    together = fleet.batch_allow(ground, most), fleet.batch_routes(ground, most)
    return fleet.answer(fleet.fleet_progress(ground), *together, credentials(ground))


def test_the_sentence_counts_and_says_what_is_next() -> None:
    """The summary counts PBXs that have placed calls by address and that keep credentials, and names the next fix."""
    assert golden("pages.set_up.progress_of_one") == said(world(3, calling=1, listed=1, dynamic=1))
    assert golden("pages.set_up.progress_without_credentials") == said(world(2, listed=2))
    assert golden("pages.set_up.no_pbx_is_set_up") == said(world(0))


def test_credentials_stay_on_where_all_calls_are_from_before_the_policy_on_record() -> None:
    """What let those calls in is not known, so they do not prove that a PBX does without credentials."""
    policy = Policy(frozenset({"198.51.100.1"}), credentials_on=True, tech_prefix="12345678")
    known = {"versions": (PolicyVersion(policy, NOW - timedelta(minutes=30)),)}

    step = credentials(world(1, calling=1, listed=1, **known))

    assert (StepProgress.BLOCKED, None) == (step.progress, step.finding)
    assert golden("pages.set_up.proven_of_one") in step.evidence


def test_where_nothing_can_be_done_at_once_the_first_step_is_next() -> None:
    """If no combined fix is possible, the most common first step is named with its number of PBXs."""
    assert said(world(2, listed=2, numbers=[], pbx_numbers=[])).endswith(golden("pages.set_up.next_is_configuration"))


def test_fleet_is_sorted_by_next_step() -> None:
    """PBXs are sorted by next step, completed ones last; the cell of the next step is marked."""
    ground = world(3, calling=1, listed=1, pbx_numbers=[])
    found = fleet.fleet_progress(ground)
    frame = fleet.frame_of(found, ground)

    assert ["Pbx-0001", "Pbx-0002", "Pbx-0000"] == list(frame["name"])
    assert [[NEXT], [NEXT], ["✓ Done"]] == list(frame["snippet"])
    assert [["… Waits"], ["… Waits"], ["✓ Done"]] == list(frame["call"])
    assert [
        golden("pages.set_up.put_configuration"),
        golden("pages.set_up.put_configuration"),
        golden("pages.set_up.say_numbers"),
    ] == list(frame["next"])


def test_refused_pbxs_are_first() -> None:
    """A PBX whose calls are refused now is first, because it is losing calls."""
    row = refused_row("198.51.100.3", pbx_id="pbx-0002", attributed_by="address")
    ground = world(3, traffic=[row])
    frame = fleet.frame_of(fleet.fleet_progress(ground), ground)

    assert ("Pbx-0002", [REFUSED]) == (frame["name"][0], frame["call"][0])


def test_retired_pbxs_are_not_set_up() -> None:
    """Retired PBXs are not listed."""
    assert [] == fleet.fleet_progress(world(0, pbxs=[pbx("old", status="retired")]))


def test_filter_splits_the_fleet() -> None:
    """Every PBX is either to do or set up."""
    found = fleet.fleet_progress(world(3, calling=1, listed=1, dynamic=1))
    todo, done = (fleet.filter_fleet(found, show) for show in (Show.TO_DO, Show.SET_UP))

    assert found == fleet.filter_fleet(found, Show.ALL)
    assert {one.pbx_id for one in found} == {one.pbx_id for one in [*todo, *done]}
    assert all(one.next for one in todo)


def test_the_file_has_the_evidence_of_every_step() -> None:
    """The file has two columns per step: state and sentence."""
    (row,) = fleet.evidence_of(fleet.fleet_progress(world(1))).to_dict("records")

    assert ("open", "waits") == (row["allow_state"], row["call_state"])
    assert golden("checks.listed.is_not_on_the_list") in row["allow_evidence"]


def test_the_file_names_the_same_next_action_as_the_page_on_stale_inputs() -> None:
    """With stale calls, both name the input to update first."""
    ground = aged(world(1, listed=1, calling=1), calls=NOW - timedelta(days=2))
    (progress,) = fleet.fleet_progress(ground)
    (row,) = fleet.evidence_of([progress]).to_dict("records")

    assert "Update the calls" == row["next"] == fleet.next_action_text(progress, ground)


def test_addresses_are_allowed_by_one_plan() -> None:
    """The combined plan has the changes and guards of each finding's own plan."""
    ground = world(4, listed=1)
    together = fleet.batch_allow(ground, MOST)
    plan = build(ground.snapshot, together.changes, max_changes=MOST, title=together.label)

    assert "Allow 3 addresses" == together.label == plan.title
    assert {"198.51.100.2", "198.51.100.3", "198.51.100.4"} == {
        change.network for change in plan.changes if isinstance(change, AllowAddress)
    }
    assert not plan.blocked
    assert any(golden("pages.set_up.single_public_addresses") in guard.sentence for guard in plan.guards)


def test_a_plan_is_no_larger_than_one_may_be() -> None:
    """The remainder beyond the limit is counted, and the label has both numbers."""
    together = fleet.batch_allow(world(40), MOST)

    assert ("Allow 25 of 40 addresses", 25, 15) == (together.label, len(together.changes), together.rest)
    assert PlanBatch() == fleet.batch_allow(world(2, listed=2), MOST)


@settings(deadline=None, max_examples=40)  # each example runs the checks on a whole account
@given(count=st.integers(0, 12), most=st.integers(1, 30), same=st.booleans())
def test_route_batch_respects_the_limit(count: int, most: int, same: bool) -> None:
    """No plan exceeds the limit, creates a route twice, or creates one without a number."""
    names = [pbx(f"pbx-{n:04}", inbound_host=f"198.51.100.{n + 1}") for n in range(count)]
    ground = world(count, pbxs=[row | {"name": "Branch"} for row in names] if same else names)
    together = fleet.batch_routes(ground, most)
    made = [change.alias for change in together.changes if isinstance(change, CreateRoute)]
    points = [change for change in together.changes if isinstance(change, RouteNumber)]

    assert len(together.changes) <= most
    assert len(set(made)) == len(made)
    assert set(made) <= {change.to_alias for change in points}
    assert count == len(points) + together.rest


def test_the_archive_has_a_folder_each_and_says_what_is_left_out() -> None:
    """
    The archive has one folder per PBX; a PBX that keeps its credentials is listed with the reason.

    Member paths stay within their folders.
    """
    ground = world(2, dynamic=1)
    files = config_archive.files_of(ground)

    assert 2 == config_archive.writable(ground)
    assert {"pbx-0000", "pbx-0001", config_archive.LEFT_OUT} == {path.partition("/")[0] for path in files}
    assert "pbx-0000/pjsip.conf" in files
    assert "dyn-0: " in files[config_archive.LEFT_OUT]
    assert "1. " in files["pbx-0000/STEPS.txt"]


def test_the_archive_takes_the_kind_of_the_make() -> None:
    """The folder of a FreePBX has the settings to enter."""
    ground = world(1, pbxs=[pbx("pbx-0000", vendor="FreePBX")])

    assert " = " in config_archive.files_of(ground)["pbx-0000/STEPS.txt"]


@pytest.mark.parametrize(
    ("facts", "expected", "words"),
    [
        ({"calling": 1, "listed": 2}, StepProgress.BLOCKED, golden("pages.set_up.one_of_two_proven")),
        ({"calling": 2, "listed": 2}, StepProgress.OPEN, golden("pages.set_up.every_pbx_does_without")),
        ({"calling": 2, "listed": 2, "dynamic": 1}, StepProgress.BLOCKED, golden("pages.set_up.as_long_as_dynamic")),
        ({"calling": 2, "listed": 2, "credentials_on": False}, StepProgress.DONE, "They are off"),
        ({"dynamic": 1, "credentials_on": False}, StepProgress.OPEN, "Dyn-0 cannot call"),
        ({"credentials_on": None}, StepProgress.UNKNOWN, "not known"),
    ],
)
def test_credentials_go_off_only_once_nobody_needs_them(
    facts: dict[str, Any], expected: StepProgress, words: str
) -> None:
    """The switch is offered only if every static PBX is proven by calls and no PBX is dynamic."""
    found: Credentials = credentials(world(2, **facts))

    assert expected is found.progress
    assert words in found.evidence
    assert (found.finding is not None) is (expected is StepProgress.OPEN and facts.get("credentials_on", True) is True)


def aged(ground: OnboardingContext, **as_of: datetime | None) -> OnboardingContext:
    """Return a context whose inputs were last read at other times; ``None`` for an input that never was."""
    freshness = {**ground.snapshot.freshness, **{name: Freshness(at, 3600) for name, at in as_of.items()}}
    snapshot = replace(ground.snapshot, freshness=freshness)
    return OnboardingContext(snapshot, checks.run(snapshot), ground.notes)


def calls_of(count: int, *, ago: timedelta) -> list[dict[str, Any]]:
    """Return one admitted call of each PBX: the first an hour ago, the others as long ago as given."""
    ages = [timedelta(hours=1), *[ago] * (count - 1)]
    return [
        calls_row(f"198.51.100.{n + 1}", pbx_id=f"pbx-{n:04}", attributed_by="address", at=NOW - age)
        for n, age in enumerate(ages)
    ]


QUIET = golden("pages.set_up.placed_but_none_proves")


@pytest.mark.parametrize(
    ("dynamic", "ago", "words"),
    [
        (1, timedelta(hours=23), golden("pages.set_up.stay_on_others_do_without")),
        (1, timedelta(hours=25), golden("pages.set_up.stay_on_others", quiet=QUIET)),
        (0, timedelta(hours=23), golden("pages.set_up.on_and_every_pbx_does_without")),
        (0, timedelta(hours=25), golden("pages.set_up.on_every_pbx", quiet=QUIET)),
    ],
)
def test_the_present_rests_on_calls_of_the_last_day(dynamic: int, ago: timedelta, words: str) -> None:
    """That PBXs do without credentials is said in the present only with admitted calls of the last 24 hours."""
    found = credentials(world(2, listed=2, dynamic=dynamic, traffic=calls_of(2, ago=ago)))

    assert found.evidence.startswith(words)
    assert (StepProgress.BLOCKED if dynamic else StepProgress.OPEN) is found.progress


@pytest.mark.parametrize("name", ["calls", "allowed_ips"])
@pytest.mark.parametrize("hours", [None, 5])
def test_without_fresh_calls_and_list_nothing_is_said_of_static_pbxs(name: str, hours: int | None) -> None:
    """With a missing or stale input the step names it; it is unknown, or waits for a dynamic PBX in any case."""
    as_of = NOW - timedelta(hours=hours) if hours else None
    both = aged(world(2, calling=2, listed=2, dynamic=1), **{name: as_of})
    static = aged(world(2, calling=2, listed=2), **{name: as_of})
    why = lacking(static.snapshot, name)

    waits = credentials(both).step
    unknown = credentials(static).step

    assert (StepProgress.BLOCKED, StepProgress.UNKNOWN) == (waits.progress, unknown.progress)
    for step in (waits, unknown):
        assert step.evidence.endswith(golden("pages.set_up.without_is_not_known", why=why))
        assert (name,) == step.lacking
    assert (Cause.STALE if hours else Cause.MISSING) is unknown.cause
    assert (unknown.last_known is not None) is bool(hours)
    if unknown.last_known:
        assert (StepProgress.OPEN, as_of) == (unknown.last_known.progress, unknown.last_known.as_of)


def test_without_a_static_pbx_none_is_claimed() -> None:
    """With dynamic PBXs only, nothing is said of static ones."""
    assert golden("pages.set_up.stay_on") == credentials(world(0, dynamic=1)).evidence


def test_no_active_pbx_proves_nothing() -> None:
    """Without an active PBX nothing is proven."""
    assert StepProgress.BLOCKED is credentials(world(0)).progress


def test_a_thousand_are_judged_in_a_second() -> None:
    """A thousand PBXs are evaluated in a second, so that the page stays usable."""
    ground = world(1_000, calling=300, listed=300)
    begun = time.process_time()
    found = fleet.fleet_progress(ground)
    fleet.frame_of(found, ground)

    assert 1_000 == len(found)
    assert time.process_time() - begun < 1
    assert NOW == ground.snapshot.taken_at


def test_without_calls_no_zero_is_claimed() -> None:
    """Missing calls prove neither that a PBX places calls by address nor that none does."""
    ground = world(2, listed=2)
    why = "Calls never fetched."
    together = fleet.batch_allow(ground, MOST), fleet.batch_routes(ground, MOST)
    title = fleet.answer(fleet.fleet_progress(ground), *together, credentials(ground), why)

    assert golden("pages.set_up.none_proven") == (title)
