"""Reasons why a call is undecided: the fact that would decide it, if one alone does."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from dashboard.calls.replay import undecided
from dashboard.calls.replay.replayer import UNDECIDED, replay
from dashboard.domain.admission import CallFacts, Observations, Policy
from tests.builders import calls_row, make_snapshot, pbx
from tests.calls.replay.slow_replay import World, policies, worlds
from tests.examples import times
from tests.texts import golden

LISTED = "198.51.100.11"
SEEN = Observations(digest_rescues_prefix=True)


def why(*, of: str = "", **about: Any) -> dict[str, int]:
    """Replay the removal of the one listed address on a call from it; return why it is undecided."""
    facts = pbx("a", **{"auth_method": "ip", "dials_prefix": "unknown"} | about.pop("pbx", {}))
    at = {"allowed": (LISTED,), "pbxs": [facts], "traffic": [calls_row(LISTED) | {"pbx_id": of}], "observed": SEEN}
    snapshot = make_snapshot(**at | about)
    impact = replay(snapshot, replace(snapshot.policy, networks=frozenset())).impact
    assert sum(map(impact.calls, UNDECIDED)) == sum(impact.unclear.values())
    return impact.unclear


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, ["digest_valid"]),
        ({"of": "a"}, []),
        ({"of": "a", "pbx": {"auth_method": "both"}}, []),
        ({"observed": Observations()}, ["digest_valid"]),
        ({"credentials_on": None}, ["credentials_on", "digest_valid"]),
        ({"of": "a", "credentials_on": None, "pbx": {"auth_method": "both"}}, ["credentials_on"]),
    ],
)
def test_undecided_reason_names_deciding_facts(about: dict[str, Any], said: list[str]) -> None:
    """The reason names the unknown facts that would each decide the call; a decided call has none."""
    found = why(**about)

    words = " and ".join(undecided.UNKNOWN[name] for name in said)
    assert ([golden("replay.reasons.not_known", what=words)] if said else []) == [*found]


def test_the_carrier_is_named_where_every_fact_is_known() -> None:
    """Prefix, unlisted, valid credentials: the carrier's behavior has not been observed."""
    both = {"auth_method": "both", "dials_prefix": "yes"}

    assert [golden("replay.reasons.not_known", what=undecided.CARRIER)] == [
        *why(of="a", pbx=both, observed=Observations())
    ]


def test_a_record_that_contradicts_the_rule_is_named() -> None:
    """A call refused although listed with the prefix contradicts a record, and the reason says so."""
    row = calls_row(LISTED, outcome="refused_auth", sip_status=403) | {"pbx_id": "a"}

    assert [undecided.CONTRADICTED] == [*why(pbx={"dials_prefix": "yes"}, traffic=[row])]


@settings(max_examples=times(22), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds, policies)
def test_every_call_that_cannot_be_told_has_a_reason(world: World, proposal: Policy) -> None:
    """The reasons of each undecided label add up to its calls, and none is empty."""
    impact = replay(world.snapshot(), proposal).impact

    for label in UNDECIDED:
        assert impact.calls(label) == sum(impact.why(label).values())
    assert sum(map(impact.calls, UNDECIDED)) == sum(impact.unclear.values())
    assert "" not in impact.unclear
    assert all(calls > 0 for calls in impact.unclear.values())


def test_the_words_follow_the_columns_of_the_rule() -> None:
    """Every fact of the rule has a text here."""
    assert [field.name for field in fields(CallFacts)] == list(undecided.UNKNOWN)
