"""Check: a loss before a policy change stays a finding until it is reviewed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dashboard import schemas
from dashboard.checks.evidence.losses import DIGEST, losses
from dashboard.checks.past_loss_is_reviewed import past_loss_is_reviewed
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.findings import Confidence, Status
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx
from tests.texts import golden

THIEF = "203.0.113.66"
CHANGED = NOW - timedelta(days=2)
STOLEN_AT = CHANGED - timedelta(days=1)


def account(*traffic, before=((), True), after=((), False), **facts):
    """Return an account whose list or switch changed two days ago, and a thief's calls before that."""
    policies = [Policy(frozenset(networks), on, "12345678") for networks, on in (before, after)]
    starts = (NOW - timedelta(days=60), CHANGED)
    stolen = calls_row(THIEF, calls=60, cost_usd="412.50", at=STOLEN_AT)
    given = {"pbxs": [pbx("denver")], "addresses": [{"pbx_id": "denver", "address": "198.51.100.24"}]}
    return make_snapshot(
        allowed=tuple(after[0]),
        credentials_on=after[1],
        traffic=[stolen, *traffic],
        versions=tuple(PolicyVersion(*pair) for pair in zip(policies, starts, strict=True)),
        **(given | facts),
    )


def reviewed(snapshot, **seen):
    """Return the account with its current loss reviewed."""
    (loss,) = losses(snapshot)
    row = {
        "subject": THIEF,
        "calls": loss.calls,
        "cost_usd": f"{loss.cost_usd:f}",
        "last_at": loss.last_at,
        "evidence_digest": loss.digest,
        "reviewed_by": "j.lee",
        "reviewed_at": NOW,
    }
    return replace(snapshot, loss_reviews=frame(schemas.LOSS_REVIEWS, [row | seen]))


@pytest.mark.parametrize(
    ("before", "after"), [(((), True), ((), False)), (((THIEF,), False), ((), False)), (((THIEF,), True), ((), True))]
)
def test_past_loss_remains_a_finding_after_the_change(judged, before, after):
    """After credentials are off, or the thief's entry is removed, the past loss is still a finding."""
    verdict = judged(past_loss_is_reviewed, account(before=before, after=after))[THIEF]

    assert (Status.FAIL, Confidence.PROVEN) == (verdict.status, verdict.confidence)
    assert golden("checks.past_loss.stranger_until_day") in verdict.reason
    assert golden("checks.past_loss.not_reviewed") in verdict.reason
    assert DIGEST in verdict.evidence[0]


def test_a_review_ends_it_by_name(judged):
    """The finding passes and names the reviewer and the time."""
    verdict = judged(past_loss_is_reviewed, reviewed(account()))[THIEF]

    assert verdict.status is Status.PASS
    assert golden("checks.past_loss.reviewed") in verdict.reason


@pytest.mark.parametrize("seen", [{"calls": 59}, {"cost_usd": "412"}, {"last_at": STOLEN_AT - timedelta(seconds=1)}])
def test_a_review_covers_only_what_it_saw(judged, seen):
    """More calls, more dollars or a later call than reviewed make the check fail again."""
    verdict = judged(past_loss_is_reviewed, reviewed(account(), **seen))[THIEF]

    assert verdict.status is Status.FAIL
    assert golden("checks.past_loss.calls_not_seen") in verdict.reason


def test_a_review_passes_nothing_that_goes_on(judged):
    """While the thief's calls are still admitted after the change, a review neither counts nor is offered."""
    going_on = account(calls_row(THIEF), before=((THIEF,), True), after=((), True))
    verdict = judged(past_loss_is_reviewed, reviewed(going_on))[THIEF]

    assert verdict.status is Status.FAIL
    assert "still admitted" in verdict.reason
    assert DIGEST not in verdict.evidence[0]


def test_what_goes_on_under_one_policy_is_no_past_loss(judged):
    """Without a policy change there is no past loss: other checks report today's exposure."""
    found = judged(past_loss_is_reviewed, account(before=((), True), after=((), True)))

    assert ["account"] == list(found)
    assert found["account"].status is Status.PASS


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        ({"pbx_id": "denver", "attributed_by": "address", "source_ip": "198.51.100.24"}, False),
        ({"source_ip": "198.51.100.24"}, False),
        ({"pbx_id": "denver", "attributed_by": "x_tag"}, True),
        ({"pbx_id": "denver", "attributed_by": "caller_id"}, True),
        ({"outcome": "network", "sip_status": 503}, False),
        ({"outcome": "refused_auth", "sip_status": 403}, False),
        ({"direction": "inbound"}, False),
        ({"source_ip": ""}, False),
    ],
)
def test_only_admitted_calls_of_others_are_a_loss(row, lost):
    """
    Only admitted calls of other parties are a loss, whatever identity they claim.

    A PBX's own calls, and calls that prove no admission, are not.
    """
    call = calls_row(**({"source_ip": "203.0.113.9", "at": STOLEN_AT} | row))
    found = {loss.source_ip for loss in losses(account(call))}

    assert found == ({THIEF, "203.0.113.9"} if lost else {THIEF})


def test_calls_from_before_the_window_count_too():
    """The loss remains when its calls leave the window."""
    old = frame(schemas.TRAFFIC, [calls_row(THIEF, calls=5, at=NOW - timedelta(days=50), cost_usd="1.00")])
    (loss,) = losses(replace(account(), past_traffic=old))

    assert (65, Decimal("413.50")) == (loss.calls, loss.cost_usd)


def test_a_retired_pbx_s_address_is_its_own_until_it_left():
    """Calls under the PBX's X-Tag from that address after the PBX left are a loss."""
    boston = {"pbx_id": "boston", "address": "198.51.100.50", "valid_to": STOLEN_AT}
    facts = {"pbx_id": "boston", "attributed_by": "x_tag"}
    rows = [calls_row("198.51.100.50", at=STOLEN_AT + timedelta(hours=hours), **facts) for hours in (-1, 1)]
    found = losses(account(*rows, pbxs=[pbx("boston", status="retired")], addresses=[boston]))

    assert {THIEF: 60, "198.51.100.50": 1} == {loss.source_ip: loss.calls for loss in found}


def test_calls_of_a_pbx_under_the_tag_of_another_are_no_loss():
    """They came from an address that a PBX of ours had then, whatever X-Tag it sent; those from before it did not."""
    held = {"pbx_id": "boise", "address": "198.51.100.50", "valid_from": STOLEN_AT, "valid_to": CHANGED}
    facts = {"pbx_id": "denver", "attributed_by": "x_tag"}
    rows = [calls_row("198.51.100.50", at=STOLEN_AT + timedelta(hours=hours), **facts) for hours in (-1, 1)]
    found = losses(account(*rows, pbxs=[pbx("denver"), pbx("boise")], addresses=[held]))

    assert {THIEF: 60, "198.51.100.50": 1} == {loss.source_ip: loss.calls for loss in found}


def test_an_account_without_calls_passes_nothing(judged):
    """An account without calls does not pass."""
    assert judged(past_loss_is_reviewed, make_snapshot()) == {}


@pytest.mark.parametrize(("networks", "on", "lost"), [((), False, 60), ((THIEF,), False, 0), ((), True, 0)])
def test_a_theft_outlives_a_change_that_nobody_recorded(networks, on, lost):
    """Calls that the first recorded policy would reject prove an earlier policy, and count as a loss."""
    first = PolicyVersion(Policy(frozenset(networks), on, "12345678"), CHANGED)
    found = losses(replace(account(after=(networks, on)), versions=(first,)))

    assert lost == sum(loss.calls for loss in found)


def test_without_a_policy_on_record_nothing_passes(judged):
    """Without a recorded policy it is unknown whether the policy changed, so nothing passes."""
    verdict = judged(past_loss_is_reviewed, replace(account(), versions=()))["account"]

    assert Status.UNKNOWN == verdict.status


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_claimed_calls_are_blamed_on_nobody(judged, kind):
    """Calls with only an X-Tag prove neither the PBX nor a thief: the loss must be reviewed, and no owner is named."""
    claimed = calls_row("203.0.113.9", at=STOLEN_AT, pbx_id="denver", attributed_by="x_tag")
    snapshot = account(claimed, pbxs=[pbx("denver", ip_kind=kind)], addresses=[])
    verdict = judged(past_loss_is_reviewed, snapshot)["203.0.113.9"]

    assert (Status.FAIL, Confidence.INFERRED) == (verdict.status, verdict.confidence)
    assert golden("checks.past_loss.from_no_pbx_until") in verdict.reason
    assert "someone else" not in verdict.reason
    assert DIGEST in verdict.evidence[0]
