"""Replay on worlds of several PBXs, addresses, policies and outcomes, compared with a slow, simple reference."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import schemas
from dashboard.calls.replay.replayer import AT_RISK, LABELS, UNDECIDED, Replayer, replay
from dashboard.domain.admission import Observations, Policy
from dashboard.domain.changes import AllowAddress, Change, RemoveAddress, SetCredentials
from dashboard.fixes.account_image import proposed
from tests.builders import frame
from tests.calls.replay.slow_replay import (
    LISTABLE,
    MOMENTS,
    World,
    a_policy,
    as_row,
    as_segments,
    authorized,
    label,
    on_list,
    policies,
    table,
    true_worlds,
    worlds,
)
from tests.examples import times

many = settings(max_examples=times(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(worlds, policies)
def test_replay_equals_the_reference(world: World, proposal: Policy) -> None:
    """Labels equal the reference call by call, whatever the account and its past."""
    answer = replay(world.snapshot(), proposal)

    expected = [label(world, call, world.policies[-1], proposal) for call in world.calls]
    assert expected == list(answer.rows["label"])
    for name in LABELS:
        counted = sum(call.count for call, said in zip(world.calls, expected, strict=True) if said == name)
        assert counted == answer.impact.calls(name)


@many
@given(worlds, policies, policies)
def test_any_policy_can_be_the_baseline(world: World, one: Policy, other: Policy) -> None:
    """Any policy can be the baseline; today's is only the default."""
    answer = Replayer(world.snapshot()).against(other, today=one)

    assert [label(world, call, one, other) for call in world.calls] == list(answer.rows["label"])


@many
@given(worlds)
def test_authorized_when_it_was_made_equals_the_reference(world: World) -> None:
    """Authorization at a call's time follows the policy in force then, from the same facts."""
    rows = Replayer(world.snapshot()).authorized()

    assert [authorized(world, call) for call in world.calls] == list(rows["authorized"])
    assert not (rows["by"].isin(["ip", "credentials"]) & (rows["authorized"] != "yes")).any()
    assert not ((rows["by"] == "refused") & (rows["authorized"] != "no")).any()


@settings(many, max_examples=times(45))
@given(true_worlds(), a_policy(st.booleans()))
def test_no_call_is_wrongly_labeled(told: tuple[World, bool], proposal: Policy) -> None:
    """With a complete inventory and an observed carrier, every call is decided, and correctly."""
    (world, rescues), today = told, told[0].policies[-1]
    proposal = replace(proposal, prefix_known=True)

    labels = list(replay(world.snapshot(), proposal).rows["label"])

    for call, label_now in zip(world.calls, labels, strict=True):
        facts = world.facts[call.who]
        now, then = (
            table(
                facts["dials_prefix"] == "yes",
                bool(on_list(policy, call.source)),
                bool(policy.credentials_on),
                facts["auth_method"] != "ip",
                rescues,
            )
            for policy in (today, proposal)
        )
        truth = "unchanged" if now == then else "saved" if then else "broken"
        open_ones = {"unchanged": UNDECIDED, "saved": ("cannot tell", "may be saved")}.get(truth, AT_RISK)
        assert label_now == truth or (label_now in open_ones and world.observed == Observations())


@many
@given(worlds)
def test_an_empty_proposal_changes_nothing(world: World) -> None:
    """A proposal equal to today's policy leaves every call unchanged."""
    snapshot = world.snapshot()

    assert {"unchanged"} == set(replay(snapshot, snapshot.policy).rows["label"])


@many
@given(worlds, a_policy(st.booleans()), st.lists(st.sampled_from(["credentials", *LISTABLE]), min_size=1, max_size=6))
def test_a_proposal_and_its_inverse_change_nothing(world: World, today: Policy, moves: list[str]) -> None:
    """Changes followed by their inverses in reverse order leave every call unchanged."""
    there = today
    changes = list[Change]()
    for move in moves:
        changes.append(toggled(there, move))
        there = proposed(there, changes[-1:])

    back = proposed(there, [change.inverse() for change in reversed(changes)])

    assert today == back
    assert {"unchanged"} == set(Replayer(world.snapshot()).against(back, today=today).rows["label"])


def toggled(policy: Policy, what: str) -> Change:
    """Return the change that toggles one property of a policy."""
    if what == "credentials":
        return SetCredentials(enabled=not policy.credentials_on)
    return RemoveAddress(network=what) if what in policy.networks else AllowAddress(network=what)


@many
@given(worlds, policies, policies)
def test_exchanged_policies_exchange_broken_and_saved(world: World, one: Policy, other: Policy) -> None:
    """With baseline and proposal exchanged, broken calls are saved ones, and the same calls are undecided."""
    replayer = Replayer(world.snapshot())
    there = replayer.against(other, today=one)
    back = replayer.against(one, today=other)

    turned = {"broken": "saved", "stopped": "saved", "may be broken": "may be saved"}
    for said, back_said, pbx_id in zip(there.rows["label"], back.rows["label"], there.rows["pbx_id"], strict=True):
        if pbx_id or said not in ("may be saved", "cannot tell"):
            wanted = {"saved": "broken" if pbx_id else "stopped", "may be saved": "may be broken"} | turned
            assert wanted.get(said, said) == back_said
        else:  # of an unassigned caller only a gain has a direction: a loss is not damage
            assert back_said in ("may be saved", "cannot tell")
    assert there.impact.decided == back.impact.decided


@many
@given(worlds, policies)
def test_rows_of_any_length_give_the_same_counts(world: World, proposal: Policy) -> None:
    """A row that aggregates all equal calls between two changes counts like its single calls."""
    fine = replay(world.snapshot(), proposal)
    coarse = replay(world.snapshot(as_segments(world)), proposal)

    assert fine.impact == coarse.impact
    order = ["who", "label"]
    shown = [answer.by_pbx().sort_values(order, ignore_index=True) for answer in (fine, coarse)]
    pd.testing.assert_frame_equal(*shown)


@many
@given(worlds, policies)
def test_single_calls_have_the_label_of_their_row(world: World, proposal: Policy) -> None:
    """Single calls have the label of the row that they were drilled down from; inbound calls have none."""
    columns = ("source_ip", "pbx_id", "outcome", "sip_status", "direction")
    rows = [as_row(call) for call in world.calls]
    single = [{name: row[name] for name in columns} | {"started_at": row["first_at"]} for row in rows]
    inbound = single[0] | {"direction": "inbound"}
    answer = replay(world.snapshot(as_segments(world)), proposal)

    labeled = answer.label_of(frame(schemas.CALLS, [*single, inbound]))

    expected = [label(world, call, world.policies[-1], proposal) for call in world.calls]
    assert [*expected, ""] == list(labeled["label"])
    fine = replay(world.snapshot(), proposal).rows
    assert [*fine["today_by"], ""] == list(labeled["today_by"])
    assert [*fine["then_by"], ""] == list(labeled["then_by"])


@many
@given(worlds, policies, st.sampled_from(MOMENTS))
def test_a_window_counts_its_own_rows_only(world: World, proposal: Policy, since: datetime) -> None:
    """Rows before the window are not counted, but the facts that they prove are used."""
    replayer = Replayer(world.snapshot())
    whole = replayer.against(proposal)
    window = replayer.against(proposal, since=since)

    rows = whole.rows[whole.rows["first_at"] >= since]
    assert list(rows["label"]) == list(window.rows["label"])
    for name in LABELS:
        assert rows.loc[rows["label"] == name, "calls"].sum() == window.impact.calls(name)
    assert set(window.by_pbx()["who"]) <= set(whole.by_pbx()["who"])
