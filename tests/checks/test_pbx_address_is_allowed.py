"""Check: every address of a static PBX is on the allow list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.checks.pbx_address_is_allowed import pbx_address_is_allowed
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress
from dashboard.domain.findings import Cause, Confidence, Status
from tests.builders import NOW, calls_row, make_snapshot, pbx, refused_row
from tests.texts import golden

DENVER = "198.51.100.24"


def where(address, pbx_id="denver", **facts):
    """Return a ``pbx_addresses`` row."""
    return {"pbx_id": pbx_id, "address": address, "kind": "primary", **facts}


def test_refused_calls_prove_the_outage(judged):
    """The reason names the PBX and its address and counts the last day; the fix uses the PBX's name as label."""
    snapshot = make_snapshot(
        pbxs=[pbx("denver", owner="west@example.net")],
        addresses=[where(DENVER)],
        traffic=[
            refused_row(DENVER, calls=300, pbx_id="denver"),
            refused_row(DENVER, calls=18, pbx_id="denver", sip_status=407),
        ],
    )
    verdict = judged(pbx_address_is_allowed, snapshot)[DENVER]

    assert verdict.status is Status.FAIL
    assert verdict.reason == golden("checks.listed.refused_calls_of_day", pbx="Denver", address=DENVER, calls=318)
    assert verdict.confidence is Confidence.PROVEN
    assert verdict.pbx_ids == ("denver",)
    assert [(row["SIP status"], row["calls"]) for row in verdict.evidence] == [(403, 300), (407, 18)]
    assert verdict.changes == (
        AllowAddress(
            network=DENVER,
            label="Denver",
            owner="west@example.net",
            purpose=golden("fixes.changes.purpose", pbx="Denver"),
            role="active",
        ),
    )


def test_calls_that_credentials_carry_prove_it_too(judged):
    """A PBX whose calls depend on credentials breaks when they are switched off."""
    snapshot = make_snapshot(
        pbxs=[pbx("denver")],
        addresses=[where(DENVER)],
        traffic=[calls_row(DENVER, calls=1, pbx_id="denver")],
    )
    verdict = judged(pbx_address_is_allowed, snapshot)[DENVER]

    assert verdict.confidence is Confidence.PROVEN
    assert golden("checks.pbx_address_is_allowed.admitted_by_credentials") in verdict.reason


@pytest.mark.parametrize("known", [True, False])
def test_without_calls_it_is_inferred(judged, known):
    """Without calls the outage is inferred from configuration, and the reason says if refusals are not in CDRs."""
    snapshot = make_snapshot(pbxs=[pbx("denver")], addresses=[where(DENVER)])
    if not known:
        snapshot = replace(snapshot, capabilities=snapshot.capabilities - {Capability.REFUSALS_IN_CDRS})
    verdict = judged(pbx_address_is_allowed, snapshot)[DENVER]

    assert verdict.status is Status.FAIL
    assert verdict.confidence is Confidence.INFERRED
    assert (golden("checks.pbx_address_is_allowed.may_not_write_refused") in verdict.reason) is not known


@pytest.mark.parametrize(
    ("status", "kind", "role"),
    [("active", "primary", "active"), ("active", "failover", "standby"), ("standby", "primary", "standby")],
)
def test_standby_and_failover_are_subjects_with_their_role(judged, status, kind, role):
    """A site that is silent on purpose must be listed too, with the role standby."""
    snapshot = make_snapshot(pbxs=[pbx("denver", status=status)], addresses=[where(DENVER, kind=kind)])

    assert judged(pbx_address_is_allowed, snapshot)[DENVER].changes[0].role == role


def test_dynamic_and_retired_pbxs_are_no_subjects(judged):
    """Dynamic and retired PBXs, and past and future addresses, are no subjects."""
    snapshot = make_snapshot(
        pbxs=[pbx("denver"), pbx("miami", ip_kind="dynamic"), pbx("boston", status="retired")],
        addresses=[
            where(DENVER, valid_from=NOW - timedelta(days=3)),
            where("198.51.100.23", valid_to=NOW - timedelta(days=3)),
            where("198.51.100.25", valid_from=NOW + timedelta(days=3)),
            where("203.0.113.9", "miami"),
            where("198.51.100.50", "boston"),
        ],
    )

    assert set(judged(pbx_address_is_allowed, snapshot)) == {DENVER}


def test_a_listed_address_passes(judged):
    """Admitted calls prove a listed address; without calls the list is sufficient. A CIDR entry counts."""
    snapshot = make_snapshot(
        allowed=(DENVER, "198.51.100.64/28"),
        pbxs=[pbx("denver"), pbx("dallas", status="standby")],
        addresses=[where(DENVER), where("198.51.100.70", "dallas")],
        traffic=[calls_row(DENVER, outcome="busy_or_no_answer", sip_status=486)],
    )
    verdicts = judged(pbx_address_is_allowed, snapshot)

    assert {verdict.status for verdict in verdicts.values()} == {Status.PASS}
    assert verdicts[DENVER].confidence is Confidence.PROVEN
    assert verdicts["198.51.100.70"].confidence is Confidence.INFERRED


def test_listed_and_yet_refused_cannot_be_told(judged):
    """If every call since the list changed is refused, the copy of the list or the prefix is wrong: unknown."""
    snapshot = make_snapshot(
        allowed=(DENVER,), pbxs=[pbx("denver")], addresses=[where(DENVER)], traffic=[refused_row(DENVER, calls=7)]
    )
    verdict = judged(pbx_address_is_allowed, snapshot)[DENVER]

    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.UNDECIDABLE)
    assert "7 calls were refused" in verdict.reason


def test_calls_from_before_the_change_are_history(judged):
    """Refusals from before the address was listed do not count."""
    changed = NOW - timedelta(minutes=30, microseconds=-250_000)
    snapshot = make_snapshot(
        allowed=(DENVER,),
        pbxs=[pbx("denver")],
        addresses=[where(DENVER)],
        traffic=[
            refused_row(DENVER, calls=300),
            refused_row(DENVER, calls=5, at=changed.replace(microsecond=0)),
        ],
        versions=(
            PolicyVersion(Policy(frozenset(), credentials_on=True, tech_prefix="12345678"), NOW - timedelta(days=60)),
            PolicyVersion(Policy(frozenset({DENVER}), credentials_on=True, tech_prefix="12345678"), changed),
        ),
    )
    verdict = judged(pbx_address_is_allowed, snapshot)[DENVER]

    assert verdict.status is Status.PASS
    assert verdict.confidence is Confidence.INFERRED


@pytest.mark.parametrize("address", ["10.1.2.3", "pbx.example.net", "100.64.0.9", "=1+1", "2001:db8::1"])
def test_an_address_that_cannot_be_listed_is_unknown(judged, address):
    """An address that cannot be listed is an error of the inventory: unknown, without a proposed change."""
    snapshot = make_snapshot(allowed=(address,), pbxs=[pbx("denver")], addresses=[where(address)])
    verdict = judged(pbx_address_is_allowed, snapshot)[address]

    assert verdict.status is Status.UNKNOWN
    assert "Denver" in verdict.reason
    assert not verdict.changes


def test_a_static_pbx_without_an_address_is_unknown(judged):
    """A static PBX without an address is unknown, with the PBX itself as subject."""
    verdict = judged(pbx_address_is_allowed, make_snapshot(pbxs=[pbx("denver")]))["denver"]

    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.MISSING)
    assert golden("checks.pbx_address_is_allowed.no_current_address") in verdict.reason


def test_two_pbxs_behind_one_address_are_named_both(judged):
    """Each address has one verdict that names every PBX behind it."""
    snapshot = make_snapshot(pbxs=[pbx("denver"), pbx("seattle")], addresses=[where(DENVER), where(DENVER, "seattle")])
    verdicts = judged(pbx_address_is_allowed, snapshot)

    assert set(verdicts) == {DENVER}
    assert verdicts[DENVER].reason.startswith(golden("checks.pbx_address_is_allowed.two_pbxs", address=DENVER))
    assert verdicts[DENVER].changes[0].label == "Denver and Seattle"
