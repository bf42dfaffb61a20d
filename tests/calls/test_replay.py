"""Replay: held to the design's table by hand, and to a slow, obvious reference by hypothesis."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.calls.replay import LABELS, Replay, replay, version_index
from dashboard.policy import Observations, Policy, PolicyVersion
from dashboard.snapshot import Snapshot
from tests.worlds import NOW, calls_row, make_snapshot, pbx, refused_row

LISTED, UNLISTED = "198.51.100.11", "198.51.100.24"
OLD = NOW - timedelta(days=60)


def with_networks(snapshot: Snapshot, *networks: str, credentials_on: bool | None = None) -> Policy:
    """Return a proposal that lists exactly these."""
    on = snapshot.policy.credentials_on if credentials_on is None else credentials_on
    return Policy(frozenset(networks), on, snapshot.policy.tech_prefix)


def label_of(answer: Replay) -> str:
    """Return the label of the only row."""
    (label,) = answer.rows["label"]
    return str(label)


def one(row: dict[str, Any], *, proposal: tuple[str, ...] = (), off: bool = False, **facts: Any) -> str:
    """Replay one row of traffic of PBX a and return its label."""
    snapshot = make_snapshot(traffic=[row | {"pbx_id": "a"}], **facts)
    return label_of(replay(snapshot, with_networks(snapshot, *proposal, credentials_on=False if off else None)))


def test_allowing_the_address_of_a_refused_pbx_saves_its_calls() -> None:
    """The PBX dials the prefix and holds no credentials: refused today, admitted once listed."""
    assert one(refused_row(UNLISTED), pbxs=[pbx("a")], proposal=(UNLISTED,)) == "saved"


def test_removing_the_address_of_a_working_pbx_breaks_its_calls() -> None:
    """Busy and failed calls were admitted too, and break as well."""
    row = calls_row(LISTED, outcome="busy_or_no_answer", sip_status=486)

    assert one(row, pbxs=[pbx("a")], allowed=(LISTED,)) == "broken"


def test_credentials_off_breaks_a_pbx_that_has_nothing_else() -> None:
    """A PBX on credentials that dials no prefix is refused without them."""
    facts = pbx("a", ip_kind="dynamic", auth_method="credentials", dials_prefix="no")

    assert one(calls_row("203.0.113.130"), pbxs=[facts], off=True) == "broken"


def test_credentials_off_leaves_a_listed_pbx_that_dials_the_prefix() -> None:
    """The path may move from credentials to the address; the call stays."""
    assert one(
        calls_row(LISTED), pbxs=[pbx("a", auth_method="both")], allowed=(LISTED,), proposal=(LISTED,), off=True
    ) == ("unchanged")


def test_a_listed_pbx_not_proven_to_dial_the_prefix_is_undecided_without_credentials() -> None:
    """Design, section 3: not proven is not broken."""
    facts = pbx("a", auth_method="both", dials_prefix="unknown")

    assert one(calls_row(LISTED), pbxs=[facts], allowed=(LISTED,), proposal=(LISTED,), off=True) == "cannot tell"


def test_a_listed_pbx_proven_not_to_dial_the_prefix_breaks_without_credentials() -> None:
    """Design, section 3: proven not to dial it is broken."""
    facts = pbx("a", auth_method="both", dials_prefix="no")

    assert one(calls_row(LISTED), pbxs=[facts], allowed=(LISTED,), proposal=(LISTED,), off=True) == "broken"


def test_answered_while_unlisted_proves_the_digest() -> None:
    """The inventory says ip, the call says otherwise: it would be lost with the credentials."""
    assert one(calls_row(UNLISTED), pbxs=[pbx("a", dials_prefix="no")], off=True) == "broken"


@pytest.mark.parametrize(("rescues", "label"), [(True, "broken"), (None, "broken"), (False, "cannot tell")])
def test_a_dagger_row_is_decided_by_observation_or_by_the_call_itself(*, rescues: bool | None, label: str) -> None:
    """Prefix, unlisted, digest: what the call met decides today's side; a contradiction decides nothing."""
    row = calls_row(UNLISTED)
    facts = pbx("a", auth_method="both")

    assert one(row, pbxs=[facts], off=True, observed=Observations(digest_rescues_prefix=rescues)) == label


def test_answered_while_unlisted_with_credentials_off_is_a_contradiction() -> None:
    """Then the copy of the list is wrong, and nothing is claimed."""
    assert one(calls_row(UNLISTED), pbxs=[pbx("a")], credentials_on=False, proposal=(UNLISTED,)) == "cannot tell"


def test_an_unclear_403_contradicts_nothing() -> None:
    """Without prefix and credentials the carrier's code is not known: such a call was refused, and would be saved."""
    row = calls_row("203.0.113.130", outcome="refused_unknown", sip_status=403) | {"pbx_id": "a"}
    facts = pbx("a", ip_kind="dynamic", auth_method="credentials", dials_prefix="no")
    snapshot = make_snapshot(pbxs=[facts], credentials_on=False, traffic=[row])

    assert label_of(replay(snapshot, with_networks(snapshot, credentials_on=True))) == "saved"


def test_an_unclear_403_counts_as_admitted() -> None:
    """Where the rule lets the call in, a 403 that names no ACL came from the far end."""
    row = calls_row(LISTED, outcome="refused_unknown", sip_status=403)

    assert one(row, pbxs=[pbx("a")], allowed=(LISTED,)) == "broken"


def test_a_caller_nobody_knows_is_undecided() -> None:
    """An address nobody owns, listed, credentials on: it may hold credentials, so its removal decides nothing."""
    snapshot = make_snapshot(allowed=("203.0.113.66",), traffic=[calls_row("203.0.113.66")])

    assert label_of(replay(snapshot, with_networks(snapshot))) == "cannot tell"


def test_a_caller_nobody_knows_is_decided_once_credentials_are_off() -> None:
    """With credentials off the address is its only way in."""
    snapshot = make_snapshot(allowed=("203.0.113.66",), credentials_on=False, traffic=[calls_row("203.0.113.66")])

    answer = replay(snapshot, with_networks(snapshot))

    assert label_of(answer) == "broken"
    assert answer.impact.breaks == ("203.0.113.66 (nobody's)",)
    assert answer.broken_pbxs() == ()


def test_inbound_calls_are_not_judged() -> None:
    """Only outbound rows are in the answer."""
    snapshot = make_snapshot(traffic=[calls_row(LISTED, direction="inbound")])

    assert len(replay(snapshot, with_networks(snapshot, LISTED)).rows) == 0
    assert replay(snapshot, with_networks(snapshot, LISTED)).impact.decided == 1


def test_counts_carry_minutes_dollars_and_names() -> None:
    """The impact adds up what the labels cover."""
    rows = [
        refused_row(UNLISTED, pbx_id="a", calls=3),
        calls_row(LISTED, pbx_id="b", calls=2, duration_s=90, cost_usd="0.5"),
    ]
    snapshot = make_snapshot(allowed=(LISTED,), pbxs=[pbx("a"), pbx("b")], traffic=rows)

    impact = replay(snapshot, with_networks(snapshot, LISTED, UNLISTED)).impact

    assert (3, 2) == (impact.calls("saved"), impact.calls("unchanged"))
    assert (1.5, "0.50000000") == (impact.labels["unchanged"].minutes, impact.labels["unchanged"].cost_usd)
    assert (("A",), (), 1.0) == (impact.saves, impact.breaks, impact.decided)


def test_a_call_in_the_second_of_a_change_belongs_to_no_version() -> None:
    """CDR times have whole seconds: either policy may have judged it."""
    change = datetime.fromisoformat("2026-11-20T10:00:00.500000+00:00")
    versions = [PolicyVersion(Policy(), OLD), PolicyVersion(Policy(credentials_on=True), change)]
    times = pd.to_datetime(
        ["2025-01-01T00:00:00Z", "2026-11-20T09:59:59Z", "2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z"], utc=True
    )

    assert [-1, 0, -1, 1] == list(version_index(pd.Series(times), versions))


ADDRESSES = ("198.51.100.1", "198.51.100.2", "198.51.100.3")
pbx_facts = st.fixed_dictionaries(
    {
        "auth_method": st.sampled_from(["ip", "credentials", "both"]),
        "dials_prefix": st.sampled_from(["yes", "no", "unknown"]),
    }
)
policies = st.builds(
    lambda networks, on: (tuple(sorted(networks)), on), st.sets(st.sampled_from(ADDRESSES)), st.booleans()
)
rows_of = st.lists(
    st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(["a", "b", ""]), st.booleans(), st.integers(1, 9)),
    max_size=12,
)
observations = st.builds(Observations, st.sampled_from([None, True, False]), st.sampled_from([None, 403]))


def table(prefix: bool, together: bool, on: bool, digest: bool, rescues: bool | None) -> bool | None:
    """Read the design's admission table, row by row, for one call with every fact known."""
    if prefix and together:
        return True
    if prefix:
        return rescues if on and digest else False
    return on and digest


def truth(values: tuple[bool | None, ...], rescues: bool | None) -> bool | None:
    """Judge one call by trying every value of what is not known."""
    worlds: list[list[bool]] = [[]]
    for value in values:
        worlds = [[*world, way] for world in worlds for way in ([True, False] if value is None else [value])]
    answers = {table(*world, rescues) for world in worlds}
    return answers.pop() if len(answers) == 1 else None


def reference(
    call: tuple[str, str, bool, int],
    calls: list[tuple[str, str, bool, int]],
    facts: dict[str, dict[str, str]],
    today: tuple[tuple[str, ...], bool],
    then: tuple[tuple[str, ...], bool],
    rescues: bool | None,
) -> str:
    """Label one call, slowly and obviously: policy never changed, so its time was under today's."""
    source, who, refused, _ = call
    dials = {"yes": True, "no": False}.get(facts[who]["dials_prefix"]) if who else None
    holds = facts[who]["auth_method"] != "ip" if who else None
    admitted_here = any(c[0] == source and c[1] == who and not c[2] for c in calls)
    if admitted_here and today[1] and source not in today[0]:
        holds = True
    if admitted_here and not today[1] and source in today[0]:
        dials = True
    now = (dials, source in today[0], today[1], holds)
    new = (dials, source in then[0], then[1], holds)
    if now == new:
        return "unchanged"
    before, after = truth(now, rescues), truth(new, rescues)
    if before is not None and before == refused:
        return "cannot tell"
    if before is None:
        before = not refused
    if after is None:
        return "cannot tell"
    if before == after:
        return "unchanged"
    return "saved" if after else "broken"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows_of, st.tuples(pbx_facts, pbx_facts), policies, policies, observations)
def test_replay_equals_the_reference(
    calls: list[tuple[str, str, bool, int]],
    facts: tuple[dict[str, str], dict[str, str]],
    today: tuple[tuple[str, ...], bool],
    then: tuple[tuple[str, ...], bool],
    observed: Observations,
) -> None:
    """Label by label and call by call, whatever the account."""
    by_pbx = dict(zip("ab", facts, strict=True))
    rows = [
        (refused_row if refused else calls_row)(source, pbx_id=who, calls=count)
        for source, who, refused, count in calls
    ]
    snapshot = make_snapshot(
        allowed=today[0],
        credentials_on=today[1],
        pbxs=[pbx(name, **fact) for name, fact in by_pbx.items()],
        traffic=rows,
        observed=observed,
    )

    answer = replay(snapshot, Policy(frozenset(then[0]), then[1], "12345678"))

    expected = [reference(call, calls, by_pbx, today, then, observed.digest_rescues_prefix) for call in calls]
    assert expected == list(answer.rows["label"])
    assert sum(call[3] for call in calls) == sum(answer.impact.calls(label) for label in LABELS)


@settings(max_examples=30, deadline=None)
@given(rows_of, policies)
def test_an_empty_proposal_changes_nothing(
    calls: list[tuple[str, str, bool, int]], today: tuple[tuple[str, ...], bool]
) -> None:
    """Proposing what is there already leaves every call as it is."""
    rows = [(refused_row if refused else calls_row)(source, pbx_id=who) for source, who, refused, _ in calls]
    snapshot = make_snapshot(allowed=today[0], credentials_on=today[1], pbxs=[pbx("a"), pbx("b")], traffic=rows)

    assert set(replay(snapshot, snapshot.policy).rows["label"]) <= {"unchanged"}


def test_replay_leaves_the_snapshot_alone() -> None:
    """A pure function: what goes in is as it was."""
    snapshot = make_snapshot(pbxs=[pbx("a")], traffic=[refused_row(UNLISTED, pbx_id="a")])
    before = snapshot.traffic.copy(deep=True)

    replay(snapshot, with_networks(snapshot, UNLISTED))

    assert before.equals(snapshot.traffic)
