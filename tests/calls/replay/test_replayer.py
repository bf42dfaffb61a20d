"""Replay compared with the design's table by hand; ``test_replay_properties`` compares it with a reference."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from dashboard import schemas
from dashboard.calls.replay import undecided
from dashboard.calls.replay.replayer import Replay, Replayer, replay, version_index
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.snapshot import Freshness, Snapshot
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.texts import golden

LISTED = "198.51.100.11"
UNLISTED = "198.51.100.24"
OLD = NOW - timedelta(days=60)


def with_networks(snapshot: Snapshot, *networks: str, credentials_on: bool | None = None) -> Policy:
    """Return a proposal that lists exactly these networks."""
    on = snapshot.policy.credentials_on if credentials_on is None else credentials_on
    return Policy(frozenset(networks), on, snapshot.policy.tech_prefix)


def label_of(answer: Replay) -> str:
    """Return the label of the only row."""
    (label,) = answer.rows["label"]
    return str(label)


def one(row: dict[str, Any], *, proposal: tuple[str, ...] = (), off: bool = False, **facts: Any) -> str:
    """Replay one traffic row of PBX a and return its label."""
    snapshot = make_snapshot(traffic=[row | {"pbx_id": "a"}], **facts)
    return label_of(replay(snapshot, with_networks(snapshot, *proposal, credentials_on=False if off else None)))


def test_allowing_the_address_of_a_refused_pbx_saves_its_calls() -> None:
    """The PBX dials the prefix and has no credentials: refused today, admitted once listed."""
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
    """The call is admitted by address instead of credentials and stays unchanged."""
    assert one(
        calls_row(LISTED), pbxs=[pbx("a", auth_method="both")], allowed=(LISTED,), proposal=(LISTED,), off=True
    ) == ("unchanged")


def test_a_listed_pbx_not_proven_to_dial_the_prefix_is_undecided_without_credentials() -> None:
    """Design, section 3: not proven is not broken; without credentials the call can only lose."""
    facts = pbx("a", auth_method="both", dials_prefix="unknown")

    assert one(calls_row(LISTED), pbxs=[facts], allowed=(LISTED,), proposal=(LISTED,), off=True) == "may be broken"


def test_a_listed_pbx_proven_not_to_dial_the_prefix_breaks_without_credentials() -> None:
    """Design, section 3: a PBX proven not to dial the prefix is broken."""
    facts = pbx("a", auth_method="both", dials_prefix="no")

    assert one(calls_row(LISTED), pbxs=[facts], allowed=(LISTED,), proposal=(LISTED,), off=True) == "broken"


def test_answered_while_unlisted_proves_the_digest() -> None:
    """The inventory says ip but the call proves credentials: it breaks without them."""
    assert one(calls_row(UNLISTED), pbxs=[pbx("a", dials_prefix="no")], off=True) == "broken"


@pytest.mark.parametrize(("rescues", "label"), [(True, "broken"), (None, "broken"), (False, "cannot tell")])
def test_a_dagger_row_is_decided_by_observation_or_by_the_call_itself(*, rescues: bool | None, label: str) -> None:
    """With prefix, unlisted, digest: the observed call decides today's side; a contradiction decides nothing."""
    row = calls_row(UNLISTED)
    facts = pbx("a", auth_method="both")

    assert one(row, pbxs=[facts], off=True, observed=Observations(digest_rescues_prefix=rescues)) == label


def test_answered_while_unlisted_with_credentials_off_is_a_contradiction() -> None:
    """Such a call proves that the copy of the allow list is wrong, and the replay claims nothing."""
    assert one(calls_row(UNLISTED), pbxs=[pbx("a")], credentials_on=False, proposal=(UNLISTED,)) == "cannot tell"


def test_unclear_403_does_not_contradict_the_rule() -> None:
    """Without prefix and credentials the carrier's status is not known: the call was refused, and would be saved."""
    row = calls_row("203.0.113.130", outcome="refused_unknown", sip_status=403) | {"pbx_id": "a"}
    facts = pbx("a", ip_kind="dynamic", auth_method="credentials", dials_prefix="no")
    snapshot = make_snapshot(pbxs=[facts], credentials_on=False, traffic=[row])

    assert label_of(replay(snapshot, with_networks(snapshot, credentials_on=True))) == "saved"


def test_an_unclear_403_counts_as_admitted() -> None:
    """Where the rule admits the call, a 403 that does not name the ACL came from the far end."""
    row = calls_row(LISTED, outcome="refused_unknown", sip_status=403)

    assert one(row, pbxs=[pbx("a")], allowed=(LISTED,)) == "broken"


def test_unassigned_caller_is_undecided_with_credentials_on() -> None:
    """Removing an unassigned address decides nothing while credentials are on, because it may have credentials."""
    snapshot = make_snapshot(allowed=("203.0.113.66",), traffic=[calls_row("203.0.113.66")])

    assert label_of(replay(snapshot, with_networks(snapshot))) == "cannot tell"


def test_unassigned_caller_is_decided_with_credentials_off() -> None:
    """With credentials off, a call from an unassigned address can be admitted only by address."""
    snapshot = make_snapshot(allowed=("203.0.113.66",), credentials_on=False, traffic=[calls_row("203.0.113.66")])

    answer = replay(snapshot, with_networks(snapshot))

    assert label_of(answer) == "stopped"
    assert (answer.impact.breaks, answer.impact.who("stopped")) == ((), ("203.0.113.66 (unassigned)",))
    assert (answer.impact.nobodys, answer.impact.ours("stopped")) == ({"stopped": 1}, 0)
    assert answer.broken_pbxs() == ()


def test_inbound_calls_are_not_judged() -> None:
    """The replay contains outbound rows only."""
    snapshot = make_snapshot(traffic=[calls_row(LISTED, direction="inbound")])

    assert len(replay(snapshot, with_networks(snapshot, LISTED)).rows) == 0
    assert replay(snapshot, with_networks(snapshot, LISTED)).impact.decided == 1


def test_counts_carry_minutes_dollars_and_names() -> None:
    """The impact contains minutes, dollars and names of the labeled calls."""
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
    """CDR times have whole seconds, so either policy may have applied."""
    change = datetime.fromisoformat("2026-11-20T10:00:00.500000+00:00")
    versions = [PolicyVersion(Policy(), OLD), PolicyVersion(Policy(credentials_on=True), change)]
    times = pd.to_datetime(
        ["2025-01-01T00:00:00Z", "2026-11-20T09:59:59Z", "2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z"], utc=True
    )

    assert [-1, 0, -1, 1] == list(version_index(pd.Series(times), versions))


def test_proposal_equal_to_policy_of_the_call_repeats_its_result() -> None:
    """
    A proposal equal to the policy of the call's time repeats the carrier's undocumented decision.

    Credentials are off now; with them on again, the carrier would decide as it did then.
    """
    then = PolicyVersion(Policy(frozenset(), True, "12345678"), OLD)
    now = PolicyVersion(Policy(frozenset(), False, "12345678"), NOW - timedelta(minutes=5))
    snapshot = make_snapshot(
        credentials_on=False,
        pbxs=[pbx("a", auth_method="both")],
        traffic=[calls_row(UNLISTED, pbx_id="a")],
        versions=(then, now),
    )

    assert label_of(replay(snapshot, with_networks(snapshot, credentials_on=True))) == "saved"


def test_a_listed_address_proves_nothing_under_another_tech_prefix() -> None:
    """Refusal while listed is no contradiction if the account had a prefix that the PBX does not dial."""
    then = PolicyVersion(Policy(frozenset({LISTED}), False, "87654321"), OLD)
    now = PolicyVersion(Policy(frozenset({LISTED}), False, "12345678"), NOW - timedelta(minutes=5))
    snapshot = make_snapshot(
        allowed=(LISTED,),
        credentials_on=False,
        pbxs=[pbx("a")],
        traffic=[refused_row(LISTED, pbx_id="a")],
        versions=(then, now),
    )

    assert label_of(replay(snapshot, with_networks(snapshot))) == "broken"


def test_any_policy_may_be_the_one_compared_to() -> None:
    """With a past policy as the baseline, the replay shows the effect of the change since then."""
    snapshot = make_snapshot(allowed=(LISTED,), pbxs=[pbx("a")], traffic=[calls_row(LISTED, pbx_id="a")])
    replayer = Replayer(snapshot)

    assert label_of(replayer.against(snapshot.policy, today=with_networks(snapshot))) == "saved"
    assert label_of(replayer.against(with_networks(snapshot))) == "broken"


@pytest.mark.parametrize(
    ("row", "facts", "answer"),
    [
        (calls_row(LISTED), {}, ("yes", "ip")),
        (calls_row(UNLISTED), {"dials_prefix": "no", "auth_method": "both"}, ("yes", "credentials")),
        (refused_row(UNLISTED), {}, ("no", "refused")),
        (refused_row(LISTED), {}, ("cannot tell", "")),
        (calls_row(UNLISTED), {"auth_method": "both"}, ("yes", "")),
        (calls_row(LISTED, at=OLD - timedelta(days=1)), {}, ("cannot tell", "")),
    ],
    ids=["listed", "digest", "unlisted", "contradiction", "dagger row", "no version"],
)
def test_a_call_was_authorized_when_it_was_made(
    row: dict[str, Any], facts: dict[str, str], answer: tuple[str, str]
) -> None:
    """Authorization follows the policy of the call's time; the path is given if it is known."""
    snapshot = make_snapshot(allowed=(LISTED,), pbxs=[pbx("a", **facts)], traffic=[row | {"pbx_id": "a"}])

    (said,) = Replayer(snapshot).authorized()[["authorized", "by"]].itertuples(index=False, name=None)

    assert answer == said


def test_callers_are_named_by_pbx_or_address() -> None:
    """A PBX is identified by name, an unassigned address by itself."""
    rows = [calls_row(LISTED, pbx_id="a", calls=2), calls_row(LISTED, pbx_id="a"), calls_row("203.0.113.66")]
    snapshot = make_snapshot(allowed=(LISTED,), credentials_on=False, pbxs=[pbx("a")], traffic=rows)

    answer = replay(snapshot, with_networks(snapshot))

    assert ("A",) == answer.who("broken")
    assert ("203.0.113.66 (unassigned)",) == answer.who("unchanged")
    assert [("A", "broken", 3), ("203.0.113.66 (unassigned)", "unchanged", 1)] == list(
        answer.by_pbx()[["who", "label", "calls"]].itertuples(index=False, name=None)
    )
    assert ["0.02000000", "0.01000000"] == [str(cost) for cost in answer.by_pbx()["cost_usd"]]


def test_replay_leaves_the_snapshot_alone() -> None:
    """The replay does not modify its input."""
    snapshot = make_snapshot(pbxs=[pbx("a")], traffic=[refused_row(UNLISTED, pbx_id="a")])
    before = snapshot.traffic.copy(deep=True)

    replay(snapshot, with_networks(snapshot, UNLISTED))

    assert before.equals(snapshot.traffic)


def moved(row: dict[str, Any], **facts: Any) -> Snapshot:
    """Return a snapshot in which PBX a left LISTED ten days ago, and one row of its calls from there."""
    left = {"pbx_id": "a", "address": LISTED, "kind": "primary", "source": "declared", "valid_from": OLD}
    left |= {"valid_to": NOW - timedelta(days=10)}
    now = {"pbx_id": "a", "address": UNLISTED, "kind": "primary", "source": "declared", "valid_from": left["valid_to"]}
    return make_snapshot(allowed=(LISTED,), addresses=[left, now], traffic=[row | {"pbx_id": "a"}], **facts)


BEFORE_THE_MOVE = NOW - timedelta(days=12)


def test_calls_of_an_address_that_its_pbx_has_left_cannot_recur() -> None:
    """Removing the old entry breaks nothing, even if it is unknown whether the PBX had credentials."""
    row = calls_row(LISTED, at=BEFORE_THE_MOVE)
    for facts in (pbx("a"), pbx("a", auth_method="both")):
        snapshot = moved(row, pbxs=[facts])
        answer = replay(snapshot, with_networks(snapshot))

        assert label_of(answer) == "cannot recur"
        assert (answer.impact.breaks, answer.impact.who("cannot recur")) == ((), ("A",))


def test_calls_that_can_recur_are_broken() -> None:
    """A dynamic PBX may get its address again."""
    snapshot = moved(calls_row(LISTED, at=BEFORE_THE_MOVE), pbxs=[pbx("a", ip_kind="dynamic")])

    assert label_of(replay(snapshot, with_networks(snapshot))) == "broken"


SINCE_THE_MOVE = NOW - timedelta(days=1)


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("kind", ["static", "dynamic"])
@pytest.mark.parametrize("rule", ["x_tag", "caller_id"])
def test_calls_that_only_claim_to_be_of_a_pbx_that_left_may_be_broken(rule: str, kind: str, on: bool) -> None:
    """After a PBX left an address, an X-Tag or a caller id does not prove that calls from there are its own."""
    row = calls_row(LISTED, at=SINCE_THE_MOVE, attributed_by=rule, calls=400)
    snapshot = moved(row, pbxs=[pbx("a", ip_kind=kind)], credentials_on=on)
    answer = replay(snapshot, with_networks(snapshot))

    assert (answer.impact.breaks, answer.impact.who("may be broken")) == ((), ("A",))
    assert 400 == answer.impact.calls("may be broken")
    assert [undecided.CLAIMED in why for why in answer.impact.unclear] == [True]


def test_credentials_off_may_break_calls_that_claim_to_be_of_a_pbx_that_left() -> None:
    """The label does not depend on the change: calls that credentials admit from a left address are claims as well."""
    row = calls_row(LISTED, at=SINCE_THE_MOVE, attributed_by="x_tag")
    snapshot = replace(moved(row, pbxs=[pbx("a")]), allowed_ips=frame(schemas.ALLOWED_IPS, []))
    policy = Policy(frozenset(), credentials_on=True, tech_prefix="12345678")
    snapshot = replace(snapshot, versions=(PolicyVersion(policy, OLD),))

    answer = replay(snapshot, replace(policy, credentials_on=False))

    assert label_of(answer) == "may be broken"


def test_own_calls_may_be_broken_where_only_claims_say_that_the_pbx_still_calls() -> None:
    """The PBX's calls from before it left an address are labeled apart from the claims since, each with its reason."""
    own = calls_row(LISTED, at=BEFORE_THE_MOVE, attributed_by="address", calls=5)
    claim = calls_row(LISTED, at=SINCE_THE_MOVE, attributed_by="x_tag", calls=3)
    snapshot = moved(own, pbxs=[pbx("a")])
    rows = [row | {"pbx_id": "a"} for row in (own, claim)]
    snapshot = replace(snapshot, traffic=frame(schemas.TRAFFIC, rows))
    impact = replay(snapshot, with_networks(snapshot)).impact

    assert ((), 8) == (impact.breaks, impact.calls("may be broken"))
    assert {undecided.LEFT: 5, undecided.CLAIMED: 3} == {why.split("; ")[-1]: n for why, n in impact.unclear.items()}


def test_what_a_pbx_proved_at_an_address_is_not_proven_of_later_claims() -> None:
    """Calls of a PBX prove its own prefix; a later caller that sends its X-Tag from there may dial another."""
    own = calls_row(LISTED, at=BEFORE_THE_MOVE, attributed_by="address")
    claim = calls_row(LISTED, at=SINCE_THE_MOVE, attributed_by="x_tag", outcome="network", sip_status=503)
    snapshot = moved(own, pbxs=[pbx("a", ip_kind="dynamic", auth_method="both")], credentials_on=False)
    snapshot = replace(snapshot, traffic=frame(schemas.TRAFFIC, [row | {"pbx_id": "a"} for row in (own, claim)]))

    assert ["broken", "may be broken"] == list(replay(snapshot, with_networks(snapshot)).rows["label"])


def stale(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with an inventory that was not confirmed recently."""
    return replace(snapshot, freshness=snapshot.freshness | {"inventory": Freshness(OLD, 3600)})


def test_a_stale_inventory_proves_no_owner() -> None:
    """With a stale inventory, unassigned addresses and moved PBXs are undecided, with the reason."""
    off = {"credentials_on": False}
    stranger = make_snapshot(allowed=(LISTED,), pbxs=[pbx("a")], traffic=[calls_row(LISTED)], **off)
    mover = moved(calls_row(LISTED, at=BEFORE_THE_MOVE), pbxs=[pbx("a")])

    fresh = [label_of(replay(each, with_networks(each))) for each in (stranger, mover)]
    answers = [replay(stale(each), with_networks(each)) for each in (stranger, mover)]

    assert ["stopped", "cannot recur"] == fresh
    assert ["cannot tell", "may be broken"] == [*map(label_of, answers)]
    assert [{undecided.INVENTORY: 1}] * 2 == [answer.impact.unclear for answer in answers]


@pytest.mark.parametrize(
    ("row", "facts", "off", "texts"),
    [
        (calls_row("198.51.100.9"), {}, False, ("list entry 198.51.100.0/28", "list entry 198.51.100.9", "")),
        (refused_row(UNLISTED), {}, False, ("nothing", "list entry 198.51.100.24", "")),
        (calls_row(UNLISTED), {"dials_prefix": "no"}, True, ("credentials", "nothing", "")),
        (
            calls_row(LISTED),
            {"auth_method": "both", "dials_prefix": "unknown"},
            True,
            (golden("replay.reasons.entry_or_credentials"), "not known", golden("replay.reasons.whether_caller_dials")),
        ),
    ],
    ids=["narrower entry", "listed", "credentials off", "not known"],
)
def test_each_row_says_what_decides_it(
    row: dict[str, Any], facts: dict[str, str], *, off: bool, texts: tuple[str, str, str]
) -> None:
    """Each row has its reason on both sides: list entry by name, credentials or nothing; undecided rows say why."""
    allowed = "198.51.100.0/28"
    snapshot = make_snapshot(allowed=(allowed,), pbxs=[pbx("a", **facts)], traffic=[row | {"pbx_id": "a"}])
    listed = (allowed, "198.51.100.9", *(() if off else (UNLISTED,)))
    answer = replay(snapshot, with_networks(snapshot, *listed, credentials_on=not off))

    for (found,) in (answer.rows.itertuples(), answer.by_pbx().itertuples()):
        assert texts[:2] == (found.today, found.then)
        assert found.why.startswith(texts[2])
        assert bool(found.why) == bool(texts[2])


@pytest.mark.parametrize(("held", "label"), [(True, "broken"), (False, "may be broken")])
def test_calls_that_only_claim_to_be_ours_are_not_known_to_break(*, held: bool, label: str) -> None:
    """Calls identified only by an X-Tag are not labeled broken: the sender of another PBX's X-Tag may be a thief."""
    source = UNLISTED if held else "203.0.113.66"
    row = calls_row(source, pbx_id="a", attributed_by="x_tag")
    inventory = [{"pbx_id": "a", "address": UNLISTED}]
    snapshot = make_snapshot(pbxs=[pbx("a", auth_method="both")], addresses=inventory, traffic=[row])

    answer = replay(snapshot, with_networks(snapshot, credentials_on=False))

    assert label_of(answer) == label
    assert (undecided.CLAIMED in answer.rows["why"].iloc[0]) is not held
