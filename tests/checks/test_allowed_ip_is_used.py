"""Check: every allowed address places calls, or is silent on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard import schemas
from dashboard.checks.allowed_ip_is_used import allowed_ip_is_used
from dashboard.domain.findings import Cause, Confidence, Status
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.texts import golden

ENTRY = "198.51.100.50"
LONG_AGO = NOW - timedelta(days=45)


def account(*traffic, pbxs=(), kind="primary", since_days=30, **entry):
    """Return an account with one entry that was added long ago, and its PBX."""
    row = {"network": ENTRY, "role": "active", "added_at": LONG_AGO} | entry
    snapshot = make_snapshot(
        pbxs=list(pbxs),
        addresses=[{"pbx_id": one["pbx_id"], "address": ENTRY, "kind": kind} for one in pbxs],
        traffic=list(traffic),
    )
    return replace(
        snapshot,
        allowed_ips=frame(schemas.ALLOWED_IPS, [row]),
        since=None if since_days is None else NOW - timedelta(days=since_days),
    )


@pytest.mark.parametrize("row", [calls_row, refused_row])
def test_a_recent_call_passes(judged, row):
    """A call within four weeks proves use, whatever its outcome."""
    verdict = judged(allowed_ip_is_used, account(row(ENTRY, at=NOW - timedelta(days=27))))[ENTRY]

    assert (verdict.status, verdict.confidence) == (Status.PASS, Confidence.PROVEN)


def test_four_silent_weeks_fail(judged):
    """After four weeks without calls the entry can be removed, and undo restores its row."""
    verdict = judged(allowed_ip_is_used, account(calls_row(ENTRY, at=NOW - timedelta(days=29)), label="Boston"))[ENTRY]

    assert verdict.status is Status.FAIL
    assert verdict.reason == golden("checks.listed.placed_no_call", subject=ENTRY)
    assert verdict.changes[0].label == "Boston"


@pytest.mark.parametrize(
    "facts",
    [
        {"role": "standby"},
        {"pbxs": [pbx("dallas", status="standby")]},
        {"pbxs": [pbx("chicago")], "kind": "failover"},
    ],
    ids=["entry", "pbx", "failover"],
)
def test_silent_on_purpose_passes(judged, facts):
    """The entry's role, a standby PBX or a failover address explains the silence."""
    verdict = judged(allowed_ip_is_used, account(**facts))[ENTRY]

    assert verdict.status is Status.PASS
    assert "silent on purpose" in verdict.reason


@pytest.mark.parametrize(
    "facts", [{"added_at": NOW - timedelta(days=27)}, {"since_days": 20}, {"since_days": None}], ids=str
)
def test_short_history_decides_nothing(judged, facts):
    """An entry or a call history younger than four weeks decides nothing."""
    verdict = judged(allowed_ip_is_used, account(**facts))[ENTRY]

    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.UNDECIDABLE)


def test_an_entry_of_unknown_age_is_judged_by_the_calls(judged):
    """If the time of addition is unknown, only the call history counts."""
    assert judged(allowed_ip_is_used, account(added_at=None))[ENTRY].status is Status.FAIL


def test_the_address_of_an_active_pbx_is_not_removed(judged):
    """The entry of an active PBX fails without a proposed change, because removing it could cause the outage."""
    verdict = judged(allowed_ip_is_used, account(pbxs=[pbx("phoenix")]))[ENTRY]

    assert verdict.status is Status.FAIL
    assert golden("checks.allowed_ip_is_used.address_of_active_pbx") in verdict.reason
    assert "Phoenix" in verdict.reason
    assert not verdict.changes


def test_a_network_is_used_by_any_of_its_addresses(judged):
    """One call from within the network proves use; a call from outside does not."""
    network = "198.51.100.48/29"
    used = account(calls_row(ENTRY), network=network)
    unused = account(calls_row("198.51.100.56"), network=network)

    assert judged(allowed_ip_is_used, used)[network].status is Status.PASS
    assert judged(allowed_ip_is_used, unused)[network].status is Status.FAIL


def test_an_entry_that_is_no_network_is_unknown(judged):
    """An invalid entry is unknown: it can be neither used nor unused."""
    assert judged(allowed_ip_is_used, account(network="1.2.3.4/0"))["1.2.3.4/0"].status is Status.UNKNOWN


def test_a_network_whose_only_caller_claims_to_be_the_pbx_is_not_known_to_be_used(judged):
    """An X-Tag from another address of the network proves no call of the PBX, so use is unknown at best."""
    snapshot = make_snapshot(
        allowed=("198.51.100.16/28",),
        pbxs=[pbx("denver")],
        addresses=[{"pbx_id": "denver", "address": "198.51.100.24"}],
        traffic=[calls_row("198.51.100.25", pbx_id="denver", attributed_by="x_tag")],
    )
    verdict = judged(allowed_ip_is_used, snapshot)["198.51.100.16/28"]

    assert (Status.UNKNOWN, Cause.UNDECIDABLE) == (verdict.status, verdict.cause)
    assert (golden("checks.allowed_ip_is_used.only_claimed_calls")) == verdict.reason
