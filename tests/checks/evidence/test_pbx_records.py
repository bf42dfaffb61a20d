"""Findings with PBX records: attempts that the carrier has no record of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.checks.call_source_is_allowed import call_source_is_allowed
from dashboard.checks.pbx_address_is_allowed import pbx_address_is_allowed
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress
from dashboard.domain.findings import Confidence, Severity, Status
from dashboard.domain.snapshot import Freshness
from tests.builders import NOW, calls_row, make_snapshot, pbx, refused_row
from tests.texts import golden

DENVER = "198.51.100.24"
SPARE = "198.51.100.25"
EARLIER = NOW - timedelta(hours=2)


def attempts(count=4, **facts):
    """Return a ``pbx_attempts`` row: refused as Asterisk writes it, two hours ago, and no attempt since."""
    row = {"pbx_id": "denver", "fate": "missing", "disposition": "NO ANSWER", "at_once": True, "latest": True}
    times = {"first_at": EARLIER, "last_at": NOW - timedelta(hours=1)}
    return row | {"attempts": count} | times | facts


def world(*rows, listed=(), fresh=True, addresses=(DENVER,), record=None, **more):
    """Return a snapshot with Denver's imported PBX records, for a carrier that writes no CDRs of refusals."""
    records = {"pbx_id": "denver", "first_at": EARLIER, "last_at": NOW, "attempts": 9, "compared": 5, "skew_s": 3}
    records |= record or {}
    snapshot = make_snapshot(
        allowed=listed,
        credentials_on=False,
        pbxs=[pbx("denver")],
        addresses=[
            {"pbx_id": "denver", "address": address, "kind": "primary"} if isinstance(address, str) else address
            for address in addresses
        ],
        pbx_attempts=list(rows),
        pbx_records=[records],
        **more,
    )
    age = Freshness(NOW if fresh else NOW - timedelta(days=8), 7 * 86400)
    return replace(
        snapshot,
        capabilities=snapshot.capabilities - {Capability.REFUSALS_IN_CDRS},
        pbx_freshness={"denver": age},
    )


def test_silent_pbx_is_explained_by_its_own_records(judged):
    """The reason has count, time and alternative causes; the evidence has the PBX's disposition."""
    verdict = judged(pbx_address_is_allowed, world(attempts(3), attempts(1, disposition="FAILED", q850_cause=21)))[
        DENVER
    ]

    assert verdict.status is Status.FAIL
    assert verdict.confidence is Confidence.INFERRED
    assert verdict.reason == (golden("checks.pbx_records.no_record_at_the_carrier", address=DENVER))
    assert [("FAILED", 21, 1), ("NO ANSWER", None, 3)] == [
        (row["PBX's own word"], row["Q.850 cause"], row["attempts without a record"]) for row in verdict.evidence
    ]
    assert {(5, 3)} == {(row["answered calls compared"], row["carrier's clock ahead (s)"]) for row in verdict.evidence}
    assert isinstance(verdict.changes[0], AllowAddress)


def test_one_attempt_is_told_as_one(judged):
    """The sentence uses the singular for one attempt."""
    reason = judged(pbx_address_is_allowed, world(attempts(1)))[DENVER].reason

    assert golden("checks.pbx_records.attempt_has_no_record") in reason


@pytest.mark.parametrize(
    "row",
    [
        attempts(fate="matched"),
        attempts(fate="open"),
        attempts(at_once=False),
        attempts(latest=False),
        attempts(pbx_id="seattle"),
    ],
)
def test_other_attempts_are_no_sign_of_a_refusal(judged, row):
    """
    Attempts that do not prove a refusal are ignored.

    These are attempts that the carrier has, undecided ones, those that rang, those before an admitted one, and another
    PBX's.
    """
    verdict = judged(pbx_address_is_allowed, world(row))[DENVER]

    assert golden("checks.pbx_records.no_call_is_on_record") in verdict.reason
    assert () == verdict.evidence


def test_old_records_and_two_kinds_of_address_conclude_nothing(judged):
    """Records that end a week ago, or of a PBX with one of several addresses listed, decide nothing."""
    assert (
        golden("checks.pbx_records.no_call_is_on_record")
        in judged(pbx_address_is_allowed, world(attempts(), fresh=False))[DENVER].reason
    )
    both = judged(pbx_address_is_allowed, world(attempts(9), listed=(SPARE,), addresses=(DENVER, SPARE)))

    assert golden("checks.pbx_records.no_call_is_on_record") in both[DENVER].reason
    assert both[SPARE].status is Status.PASS


def test_attempts_from_before_the_change_or_the_move_are_history(judged):
    """Attempts under an earlier policy, or from the PBX's earlier address, are ignored."""
    changed = NOW - timedelta(minutes=90)
    versions = (
        PolicyVersion(Policy(frozenset(), credentials_on=True, tech_prefix="12345678"), NOW - timedelta(days=60)),
        PolicyVersion(Policy(frozenset(), credentials_on=False, tech_prefix="12345678"), changed),
    )
    moved = {"pbx_id": "denver", "address": DENVER, "kind": "primary", "valid_from": changed}

    for snapshot in (world(attempts(), versions=versions), world(attempts(), addresses=(moved,))):
        assert (
            golden("checks.pbx_records.no_call_is_on_record") in judged(pbx_address_is_allowed, snapshot)[DENVER].reason
        )
    later = attempts(first_at=changed + timedelta(seconds=1))
    assert "4 attempts" in judged(pbx_address_is_allowed, world(later, versions=versions))[DENVER].reason


def test_carrier_records_take_precedence(judged):
    """Refusals in the carrier's CDRs take precedence over PBX records as proof and evidence."""
    verdict = judged(pbx_address_is_allowed, world(attempts(), traffic=[refused_row(DENVER, calls=7)]))[DENVER]

    assert verdict.confidence is Confidence.PROVEN
    assert "7 calls were refused" in verdict.reason
    assert [7] == [row["calls"] for row in verdict.evidence]


@pytest.mark.parametrize(("count", "status"), [(2, Status.PASS), (3, Status.UNKNOWN)])
def test_a_listed_pbx_whose_attempts_do_not_arrive_cannot_be_told(judged, count, status):
    """
    Three missing attempts in a row make a listed PBX unknown; two may be coincidence.

    The list, the prefix or the path to the carrier is wrong.
    """
    verdict = judged(pbx_address_is_allowed, world(attempts(count), listed=(DENVER,)))[DENVER]

    assert status is verdict.status
    assert (golden("checks.pbx_records.listed_and_yet_attempts") in verdict.reason) is (status is Status.UNKNOWN)


@pytest.mark.parametrize(
    ("record", "fresh", "said"),
    [
        (
            {"fault": "clock", "skew_s": -3600},
            True,
            golden("checks.pbx_records.off_the_carriers_times"),
        ),
        ({"fault": "answered"}, True, golden("checks.pbx_records.carrier_does_not_know_them")),
        ({}, False, golden("checks.pbx_records.records_end")),
    ],
)
def test_records_that_say_nothing_are_told_with_the_cure(judged, record, fresh, said):
    """The reason explains why imported PBX records were of no use, with the remedy."""
    rows = [attempts(fate="open")] if record else [attempts()]

    assert said in judged(pbx_address_is_allowed, world(*rows, record=record, fresh=fresh))[DENVER].reason


def test_where_refusals_are_recorded_they_did_not_arrive(judged):
    """If the carrier writes CDRs of refusals, missing attempts did not reach it."""
    snapshot = replace(world(attempts()), capabilities=frozenset(Capability))

    assert golden("checks.pbx_records.did_not_arrive") in (judged(pbx_address_is_allowed, snapshot)[DENVER].reason)


def test_later_admitted_call_overrides_missing_attempts(judged):
    """A later admitted call overrides the attempts, although the PBX records were not imported again."""
    traffic = [calls_row(DENVER, at=NOW - timedelta(minutes=5))]

    assert judged(pbx_address_is_allowed, world(attempts(9), listed=(DENVER,), traffic=traffic))[DENVER].status is (
        Status.PASS
    )


def test_a_source_gone_silent_is_explained_by_its_own_records(judged):
    """For a source silent since the change, the reason names the PBX's attempts instead of the silence."""
    changed = NOW - timedelta(hours=3)
    versions = (
        PolicyVersion(
            Policy(frozenset({DENVER}), credentials_on=False, tech_prefix="12345678"), NOW - timedelta(days=60)
        ),
        PolicyVersion(Policy(frozenset(), credentials_on=False, tech_prefix="12345678"), changed),
    )
    traffic = [calls_row(DENVER, at=changed - timedelta(hours=1), pbx_id="denver", attributed_by="address")]
    verdict = judged(call_source_is_allowed, world(attempts(), traffic=traffic, versions=versions))[DENVER]

    assert (Status.UNKNOWN, Severity.MEDIUM) == (verdict.status, verdict.severity)
    assert golden("checks.pbx_records.attempts_since", attempts=4) in verdict.reason
    assert verdict.evidence
