"""Check: every allowed address belongs to a PBX in use."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from dashboard import schemas
from dashboard.checks.allowed_ip_has_pbx import allowed_ip_has_pbx
from dashboard.domain.changes import RemoveAddress
from dashboard.domain.findings import Confidence, Severity, Status
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.texts import golden

ENTRY = "198.51.100.23"
MOVED = NOW - timedelta(days=3)


def account(pbxs=(), addresses=(), traffic=(), network=ENTRY):
    """Return an account with one allow list entry."""
    return make_snapshot(allowed=(network,), pbxs=list(pbxs), addresses=list(addresses), traffic=list(traffic))


@pytest.mark.parametrize(
    "facts", [{}, {"status": "standby"}, {"ip_kind": "dynamic"}, {"auth_method": "credentials"}], ids=str
)
@pytest.mark.parametrize("network", [ENTRY, "198.51.100.16/28"])
def test_an_entry_of_a_pbx_in_use_passes(judged, facts, network):
    """Every PBX that is not retired may have an entry, and a network covers its addresses."""
    snapshot = account([pbx("denver", **facts)], [{"pbx_id": "denver", "address": ENTRY}], network=network)
    verdict = judged(allowed_ip_has_pbx, snapshot)[network]

    assert verdict.status is Status.PASS
    assert verdict.pbx_ids == ("denver",)


def test_unassigned_entry_fails_and_its_row_can_be_restored(judged):
    """An unassigned entry fails; the change keeps label, owner, purpose, role and review date."""
    row = {"network": ENTRY, "label": "temp", "owner": "ops", "purpose": "trial", "role": "standby", "review_by": NOW}
    snapshot = replace(account(), allowed_ips=frame(schemas.ALLOWED_IPS, [row]))
    verdict = judged(allowed_ip_has_pbx, snapshot)[ENTRY]

    assert verdict.status is Status.FAIL
    assert verdict.severity is None
    assert verdict.reason == golden("checks.allowed_ip_has_pbx.belongs_to_no_pbx", address=ENTRY)
    assert verdict.changes == (
        RemoveAddress(
            network=ENTRY, label="temp", owner="ops", purpose="trial", role="standby", review_by=NOW.isoformat()
        ),
    )


def test_admitted_calls_raise_severity_and_are_counted(judged):
    """Admitted calls raise the severity; calls and dollars are counted, the last 24 hours first."""
    snapshot = account(
        traffic=[
            calls_row(ENTRY, calls=30, cost_usd="400.50"),
            calls_row(ENTRY, calls=70, cost_usd="1000", at=NOW - timedelta(days=4)),
            refused_row(ENTRY, calls=5),
        ]
    )
    verdict = judged(allowed_ip_has_pbx, snapshot)[ENTRY]

    assert (verdict.severity, verdict.confidence) == (Severity.HIGH, Confidence.PROVEN)
    assert verdict.reason.endswith(golden("checks.allowed_ip_has_pbx.calls_and_cost"))
    assert {row["outcome"] for row in verdict.evidence} == {"Answered", "Refused for authorization"}


def test_refused_calls_do_not_raise_severity(judged):
    """Refused calls cost nothing and do not raise the severity."""
    assert judged(allowed_ip_has_pbx, account(traffic=[refused_row(ENTRY)]))[ENTRY].severity is None


def test_the_pbx_that_moved_away_is_named(judged):
    """Calls from before the move are the PBX's own and do not raise the severity."""
    snapshot = account(
        [pbx("denver")],
        [
            {"pbx_id": "denver", "address": ENTRY, "valid_to": MOVED},
            {"pbx_id": "denver", "address": "198.51.100.24", "valid_from": MOVED},
        ],
        [calls_row(ENTRY, at=MOVED - timedelta(hours=1), pbx_id="denver")],
    )
    verdict = judged(allowed_ip_has_pbx, snapshot)[ENTRY]

    assert verdict.severity is None
    assert verdict.reason == (golden("checks.allowed_ip_has_pbx.pbx_left", address=ENTRY))


def test_calls_after_the_pbx_left_raise_it(judged):
    """After the PBX left, calls from the address belong to another party."""
    snapshot = account([pbx("denver")], [{"pbx_id": "denver", "address": ENTRY, "valid_to": MOVED}], [calls_row(ENTRY)])

    assert judged(allowed_ip_has_pbx, snapshot)[ENTRY].severity is Severity.HIGH


@pytest.mark.parametrize("left", [NOW - timedelta(days=60), pd.NaT])
def test_the_retired_pbx_is_named(judged, left):
    """The status "retired" is sufficient, even without an end of the address's validity."""
    snapshot = account([pbx("boston", status="retired")], [{"pbx_id": "boston", "address": ENTRY, "valid_to": left}])
    verdict = judged(allowed_ip_has_pbx, snapshot)[ENTRY]

    assert verdict.status is Status.FAIL
    assert golden("checks.allowed_ip_has_pbx.pbx_was_retired", address=ENTRY) in verdict.reason


@pytest.mark.parametrize("network", ["nonsense", "1.2.3.4/0"])
def test_an_entry_that_is_no_network_is_unknown(judged, network):
    """An invalid entry is unknown: it covers no address, and no owner can be excluded."""
    assert judged(allowed_ip_has_pbx, account(network=network))[network].status is Status.UNKNOWN
