"""Onboarding steps: evaluated from calls, checks and configurations; a note is never proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard import checks, schemas
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.admitted_calls import silence_of
from dashboard.domain.findings import Cause
from dashboard.domain.snapshot import Freshness
from dashboard.schemas.tables import FILE_ONLY
from dashboard.services.onboarding import notes
from dashboard.services.onboarding import steps as onboarding_steps
from dashboard.services.onboarding.context import OnboardingContext
from dashboard.services.onboarding.notes import Note
from dashboard.services.onboarding.steps import OnboardingStep, StepProgress
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.pbx.facts import about
from tests.texts import golden

ADDRESS = "198.51.100.24"
DENVER = {"pbx_id": "denver", "address": ADDRESS}
POPS = [{"edge_strategy_id": "1", "name": "W", "host": "us-west-or.sip.flowroute.com", "ranges": "192.0.2.0/28"}]
OWN = {"pbx_id": "denver", "attributed_by": "address"}
CALL = {"source": ADDRESS, "sip_status": 180, "sip_reason": "Ringing", "admitted": True, "meaning": "Admitted."}


def context(*noted: Note, **facts: Any) -> OnboardingContext:
    """Return the context of Denver, by default static and dialing the prefix."""
    row = facts.pop("pbx", {})
    world = {"pbxs": [pbx("denver", inbound_host=ADDRESS, **row)], "addresses": [DENVER], "edges": POPS} | facts
    snapshot = make_snapshot(**world)
    return OnboardingContext(snapshot, checks.run(snapshot), {"denver": {note.kind: note for note in noted}})


def judged(*noted: Note, **facts: Any) -> dict[str, OnboardingStep]:
    """Return the steps of Denver in that context."""
    return {step.id: step for step in onboarding_steps.steps(context(*noted, **facts), "denver")}


def progress(steps: dict[str, OnboardingStep]) -> dict[str, StepProgress]:
    """Return the state of each step."""
    return {name: step.progress for name, step in steps.items()}


def said(kind: str, *, minutes: int = 5, **content: Any) -> Note:
    """Return a note from the given number of minutes ago."""
    return Note(kind, NOW - timedelta(minutes=minutes), "kim", content)


def test_a_new_pbx_waits_for_its_address_on_the_list() -> None:
    """For a PBX known only from the inventory, independent steps are open, and calls wait for the list."""
    assert {
        "kind": StepProgress.DONE,
        "dial": StepProgress.DONE,
        "snippet": StepProgress.OPEN,
        "allow": StepProgress.OPEN,
        "route": StepProgress.UNKNOWN,
        "probe": StepProgress.BLOCKED,
        "call": StepProgress.BLOCKED,
    } == progress(judged())


def test_a_refused_pbx_is_at_the_step_that_allows_its_address() -> None:
    """Calls refused only because of the address prove that the PBX is configured."""
    steps = judged(traffic=[refused_row(ADDRESS, **OWN)])

    assert StepProgress.DONE is steps["snippet"].progress
    assert (StepProgress.OPEN, StepProgress.BLOCKED) == (steps["allow"].progress, steps["call"].progress)
    assert "refused for authorization" in steps["call"].evidence
    assert "Denver: " + golden("pages.set_up.next_is_allow", step=4) + "." == onboarding_steps.answer(
        [*steps.values()], "Denver"
    )


def test_calls_that_are_admitted_prove_what_came_before() -> None:
    """Admitted calls from a listed address prove the earlier steps without notes."""
    steps = judged(allowed=(ADDRESS,), traffic=[calls_row(ADDRESS, **OWN)])

    assert {StepProgress.DONE} == {step.progress for name, step in steps.items() if name != "route"}


def test_calls_of_a_shared_address_prove_nothing_of_one_pbx() -> None:
    """Without an X-Tag, calls of a shared address prove nothing about one PBX; the step is open with instructions."""
    step = judged(allowed=(ADDRESS,), traffic=[calls_row(ADDRESS, pbx_id="denver|tampa")])["call"]

    assert step.progress is not StepProgress.DONE
    assert golden("pages.set_up.address_is_shared") in step.evidence
    assert golden("pages.set_up.set_an_x_tag") in step.evidence


def test_a_call_by_credentials_is_no_call_by_address() -> None:
    """A call admitted from an unlisted address proves credentials, not the address."""
    steps = judged(traffic=[calls_row(ADDRESS, **OWN)])

    assert (StepProgress.BLOCKED, StepProgress.BLOCKED) == (steps["probe"].progress, steps["call"].progress)
    assert "by its credentials" in steps["call"].evidence


def test_admitted_while_credentials_are_off_proves_the_prefix() -> None:
    """With credentials off, an admitted call proves the prefix, because there is no other path."""
    facts = {"allowed": (ADDRESS,), "credentials_on": False, "traffic": [calls_row(ADDRESS, **OWN)]}
    steps = judged(pbx={"dials_prefix": "unknown"}, **facts)

    assert StepProgress.DONE is steps["dial"].progress
    assert "prove" in steps["dial"].evidence


def test_calls_from_before_the_policy_on_record_prove_no_prefix() -> None:
    """Whether credentials were off then is not known, so the calls do not show which way let them in."""
    policy = Policy(frozenset({ADDRESS}), credentials_on=False, tech_prefix="12345678")
    facts = {"allowed": (ADDRESS,), "credentials_on": False, "pbx": {"dials_prefix": "unknown"}}
    facts |= {"versions": (PolicyVersion(policy, NOW - timedelta(hours=1)),)}
    before = calls_row(ADDRESS, at=NOW - timedelta(days=5), **OWN)

    assert StepProgress.UNKNOWN is judged(traffic=[before], **facts)["dial"].progress
    assert StepProgress.DONE is judged(traffic=[before, calls_row(ADDRESS, at=NOW, **OWN)], **facts)["dial"].progress


@pytest.mark.parametrize("prefix", ["yes", "unknown"])
def test_calls_that_the_carriers_export_lacks_prove_nothing(prefix: str) -> None:
    """An imported file alone, which the carrier's export of its time contradicts, shows no admitted call."""
    row = pbx("denver", inbound_host=ADDRESS, dials_prefix=prefix)
    known = make_snapshot(allowed=(ADDRESS,), credentials_on=False, pbxs=[row], addresses=[DENVER], edges=POPS)
    file_only = frame(schemas.TRAFFIC, [calls_row(ADDRESS, provenance=FILE_ONLY, **OWN)])
    ground = OnboardingContext(replace(known, file_only_traffic=file_only), checks.run(known), {})
    steps = {step.id: step for step in onboarding_steps.steps(ground, "denver")}

    assert not onboarding_steps.calls_by_address(ground, "denver")
    assert prefix == "yes" or steps["dial"].progress is StepProgress.UNKNOWN
    assert (StepProgress.OPEN, StepProgress.OPEN) == (steps["snippet"].progress, steps["probe"].progress)
    assert StepProgress.UNKNOWN is steps["call"].progress
    assert golden("pages.set_up.only_in_imported_files") in steps["call"].evidence


def test_note_advances_without_proof() -> None:
    """A note advances to the next step, and says that it is not proven."""
    steps = judged(said(notes.CONFIGURED), pbx={"dials_prefix": "unknown"})

    assert (StepProgress.SAID, StepProgress.SAID) == (steps["dial"].progress, steps["snippet"].progress)
    assert steps["snippet"].evidence.startswith(golden("pages.set_up.put_on"))
    following = onboarding_steps.next_open([*steps.values()])
    assert following is not None
    assert "allow" == following.id


def test_a_configuration_that_was_read_is_compared() -> None:
    """Differences of the configuration are counted, whatever notes say."""
    read = [{"pbx_id": "denver", **about("trunk.x.host"), "value": "192.0.2.9", "file": "pjsip.conf", "line": 3}]
    steps = judged(said(notes.CONFIGURED), pbx_config=read)

    assert StepProgress.OPEN is steps["snippet"].progress
    assert "not as wanted" in steps["snippet"].evidence


@pytest.mark.parametrize(
    ("content", "expected", "words"),
    [
        (CALL, StepProgress.DONE, golden("pages.set_up.test_call_was_admitted")),
        (CALL | {"sip_status": 403, "admitted": False}, StepProgress.OPEN, "was refused: 403"),
        (
            CALL | {"sip_status": None, "sip_reason": "", "admitted": None},
            StepProgress.OPEN,
            golden("pages.set_up.says_nothing_of_admission"),
        ),
    ],
)
def test_a_test_call_is_judged_by_what_it_met(content: dict[str, Any], expected: StepProgress, words: str) -> None:
    """A test call is admitted, refused or neither, with status, time and meaning."""
    step = judged(said(notes.CALLED, **content), allowed=(ADDRESS,))["probe"]

    assert expected is step.progress
    assert words in step.evidence


def test_a_refused_test_call_stands_beside_the_account() -> None:
    """A refused test call shows whether address, prefix and switch are right; without an answer it shows nothing."""
    refused = CALL | {"sip_status": 403, "admitted": False, "request_uri": "sip:12345678*12065550142@192.0.2.10:5060"}
    told = judged(said(notes.CALLED, **refused))["probe"].evidence
    silent = judged(said(notes.CALLED, **refused | {"sip_status": None, "admitted": None}))["probe"].evidence

    assert golden("pages.set_up.by_what_was_read") in told
    assert golden("pages.set_up.not_on_allowed_ips", address=ADDRESS) in told
    assert "what was read" not in silent


def test_a_test_call_from_before_the_change_is_history() -> None:
    """A test call under an earlier policy proves nothing about today's."""
    changed = NOW - timedelta(minutes=2)
    before = Policy(frozenset(), True, "12345678")
    after = Policy(frozenset({ADDRESS}), True, "12345678")
    versions = (PolicyVersion(before, NOW - timedelta(days=9)), PolicyVersion(after, changed))
    step = judged(said(notes.CALLED, **CALL), allowed=(ADDRESS,), versions=versions)["probe"]

    assert StepProgress.OPEN is step.progress
    assert golden("pages.set_up.before_the_policy_changed") in step.evidence


def test_a_dynamic_pbx_has_a_shorter_path() -> None:
    """A dynamic PBX keeps its credentials, so its steps omit list, configuration and test; calls are still required."""
    steps = judged(pbx={"ip_kind": "dynamic", "auth_method": "credentials"}, addresses=[])

    assert {"dial", "snippet", "allow", "probe"} == {
        name for name, step in steps.items() if step.progress is StepProgress.NOT_NEEDED
    }
    assert StepProgress.OPEN is steps["call"].progress
    assert "keeps its credentials" in steps["kind"].evidence


@pytest.mark.parametrize("claim", ["x_tag", "caller_id"])
def test_calls_under_its_name_prove_nothing_about_a_pbx(claim: str) -> None:
    """Calls identified only by X-Tag or caller id do not prove the call step."""
    steps = judged(
        pbx={"ip_kind": "dynamic", "auth_method": "credentials"},
        addresses=[],
        traffic=[calls_row("203.0.113.9", pbx_id="denver", attributed_by=claim)],
    )

    assert StepProgress.UNKNOWN is steps["call"].progress


def test_calls_that_prove_neither_leave_the_call_step_unknown() -> None:
    """A network failure proves neither admission nor refusal, so the call step is unknown."""
    row = calls_row(ADDRESS, outcome="network", sip_status=503, **OWN)

    assert StepProgress.UNKNOWN is judged(allowed=(ADDRESS,), traffic=[row])["call"].progress


def test_a_pbx_whose_steps_are_proven_may_be_silent_now() -> None:
    """The title of a PBX that is set up says since when no call was admitted; a call of the last day ends that."""
    title = []
    for at in (NOW - timedelta(days=3), NOW - timedelta(hours=1)):
        known = context(allowed=(ADDRESS,), traffic=[calls_row(ADDRESS, at=at, **OWN)], credentials_on=False)
        steps = [one for one in onboarding_steps.steps(known, "denver") if one.id != "route"]
        title.append(onboarding_steps.answer(steps, "Denver", silence_of(known.snapshot, "denver")))

    proven = golden("pages.set_up.all_proven", pbx="Denver")
    assert [golden("pages.set_up.proven_but_silent", proven=proven), f"{proven}."] == title


def test_a_pbx_that_nobody_described_is_not_done() -> None:
    """Without an address, no step that depends on it is done."""
    steps = judged(pbx={"dials_prefix": "unknown"}, addresses=[])

    assert (StepProgress.OPEN, StepProgress.UNKNOWN) == (steps["kind"].progress, steps["dial"].progress)
    assert [StepProgress.BLOCKED] * 3 == [steps[name].progress for name in ("snippet", "probe", "call")]
    assert "Denver: " + golden("pages.set_up.next_is_know", step=1) + "." == onboarding_steps.answer(
        [*steps.values()], "Denver"
    )


def proven(**as_of: datetime | None) -> OnboardingContext:
    """Return Denver, whose calls prove every step but the route, with inputs that were last read at other times."""
    row = pbx("denver", inbound_host=ADDRESS, dials_prefix="unknown")
    facts: dict[str, Any] = {"allowed": (ADDRESS,), "credentials_on": False, "traffic": [calls_row(ADDRESS, **OWN)]}
    snapshot = make_snapshot(pbxs=[row], addresses=[DENVER], edges=POPS, **facts)
    freshness = {**snapshot.freshness, **{name: Freshness(at, 3600) for name, at in as_of.items()}}
    aged = replace(snapshot, freshness=freshness)
    return OnboardingContext(aged, checks.run(aged), {})


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("calls", {"dial", "snippet", "probe", "call"}),
        ("allowed_ips", {"allow", "probe", "call"}),
        ("credentials", {"dial", "snippet"}),
        ("routes", set()),
        ("inventory", {"kind", "dial", "snippet", "allow", "probe", "call"}),
    ],
)
def test_a_step_that_only_stale_data_prove_is_unknown(name: str, unknown: set[str]) -> None:
    """A step that was done is unknown, not open, with its last known result; steps without the input stay done."""
    as_of = NOW - timedelta(days=2)
    steps = [step for step in onboarding_steps.steps(proven(**{name: as_of}), "denver") if step.id != "route"]

    for step in steps:
        expected = StepProgress.UNKNOWN if step.id in unknown else StepProgress.DONE
        assert expected is step.progress, (step.id, step.evidence)
        assert (step.cause is Cause.STALE) is (step.last_known is not None) is (step.id in unknown)
        assert step.evidence.startswith("Last known") is (step.id in unknown)
        if step.last_known:
            assert (StepProgress.DONE, as_of) == (step.last_known.progress, step.last_known.as_of)
            assert (name,) == step.lacking
            assert not step.to_do


def test_a_last_known_failure_remains_to_be_done() -> None:
    """With a stale list, an address that was not listed is unknown, and something remains to be done for it."""
    ground = proven(allowed_ips=NOW - timedelta(days=2))
    unlisted = replace(ground.snapshot, allowed_ips=ground.snapshot.allowed_ips.iloc[:0])
    steps = onboarding_steps.steps(OnboardingContext(unlisted, checks.run(unlisted), {}), "denver")
    step = next(step for step in steps if step.id == "allow")

    assert step.last_known is not None
    assert (StepProgress.UNKNOWN, StepProgress.OPEN) == (step.progress, step.last_known.progress)
    assert step.to_do


def test_each_unknown_step_has_its_cause() -> None:
    """An unknown step says why: missing facts, or facts that decide nothing."""
    silent = judged(pbx={"dials_prefix": "unknown"}, addresses=[])
    undecided = judged(allowed=(ADDRESS,), traffic=[calls_row(ADDRESS, outcome="network", sip_status=503, **OWN)])

    assert (Cause.UNDECIDABLE, Cause.MISSING) == (silent["dial"].cause, silent["route"].cause)
    assert Cause.UNDECIDABLE is undecided["call"].cause


def test_stale_calls_say_nothing_of_a_silent_pbx() -> None:
    """Silence is evidence only with fresh calls; the list alone shows whether the address is on it."""
    snapshot = make_snapshot(allowed=(ADDRESS,), pbxs=[pbx("denver")], addresses=[DENVER])
    old = {**snapshot.freshness, "calls": Freshness(NOW - timedelta(days=2), 3600)}
    stale = type(snapshot)(**{**vars(snapshot), "freshness": old})
    steps = {
        step.id: step for step in onboarding_steps.steps(OnboardingContext(stale, checks.run(stale), {}), "denver")
    }

    assert (StepProgress.DONE, StepProgress.UNKNOWN) == (steps["allow"].progress, steps["call"].progress)
    assert "stale" in steps["call"].evidence
    assert golden("pages.set_up.decided_without_calls") in steps["allow"].evidence
