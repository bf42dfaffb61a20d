"""Check: outbound SIP credentials are off once no PBX needs them."""

from __future__ import annotations

import pytest

from dashboard.checks.credentials_are_off import credentials_are_off
from dashboard.domain.changes import SetCredentials
from dashboard.domain.findings import Cause, Impact, Severity, Status
from tests.builders import make_snapshot, pbx
from tests.texts import golden

LISTED = "198.51.100.11"


def account(*pbxs, **facts):
    """Return an account with credentials on and every PBX at one listed address."""
    where = [{"pbx_id": row["pbx_id"], "address": LISTED} for row in pbxs]
    return make_snapshot(**({"allowed": (LISTED,), "pbxs": list(pbxs), "addresses": where} | facts))


def test_off_passes(judged):
    """With credentials off and calls from listed addresses only, the check passes."""
    assert judged(credentials_are_off, account(pbx("seattle"), credentials_on=False))["account"].status is Status.PASS


def test_not_known_is_unknown(judged):
    """An unknown state of the switch does not pass."""
    verdict = judged(credentials_are_off, account(pbx("seattle"), credentials_on=None))["account"]

    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.MISSING)


def test_on_is_high_when_nobody_needs_them(judged):
    """If no active PBX needs credentials, they are access for anyone who knows them."""
    verdict = judged(credentials_are_off, account(pbx("seattle"), pbx("dallas", status="standby")))["account"]

    assert (verdict.status, verdict.severity) == (Status.FAIL, Severity.HIGH)
    assert verdict.reason == golden("checks.credentials_are_off.nobody_needs_them")
    assert verdict.changes == (SetCredentials(enabled=False),)


@pytest.mark.parametrize(
    ("facts", "words", "step"),
    [
        (
            {"ip_kind": "dynamic"},
            golden("checks.credentials_are_off.pbx_is_dynamic"),
            golden("checks.credentials_are_off.step_static_address"),
        ),
        (
            {"dials_prefix": "no"},
            golden("checks.credentials_are_off.pbx_dials_no_prefix"),
            golden("checks.credentials_are_off.step_prefix"),
        ),
        (
            {"auth_method": "credentials"},
            golden("checks.credentials_are_off.pbx_authenticates"),
            golden("checks.credentials_are_off.step_ip_authentication"),
        ),
    ],
)
def test_on_is_medium_while_a_pbx_needs_them(judged, facts, words, step):
    """
    The PBX that needs credentials is named with reason and next step.

    The switch is not proposed, as the check would fail again.
    """
    verdict = judged(credentials_are_off, account(pbx("seattle"), pbx("miami", **facts)))["account"]

    assert (verdict.status, verdict.severity) == (Status.FAIL, Severity.MEDIUM)
    assert words in verdict.reason
    assert verdict.reason.endswith(golden("checks.credentials_are_off.before_they_are_off", step=step))
    assert (verdict.pbx_ids, verdict.changes) == (("miami",), ())


@pytest.mark.parametrize(
    "facts", [{"ip_kind": "dynamic", "status": "retired"}, {"dials_prefix": "no", "status": "standby"}]
)
def test_only_active_pbxs_count(judged, facts):
    """Retired and standby PBXs do not count as needing credentials."""
    verdict = judged(credentials_are_off, account(pbx("seattle"), pbx("boston", **facts)))["account"]

    assert verdict.severity is Severity.HIGH


@pytest.mark.parametrize(
    ("facts", "addresses", "words"),
    [
        (
            {"auth_method": "both"},
            [{"pbx_id": "atlanta", "address": "198.51.100.40"}],
            golden("checks.credentials_are_off.once_listed"),
        ),
        ({}, [], golden("checks.credentials_are_off.once_listed")),
        (
            {"dials_prefix": "unknown"},
            [{"pbx_id": "atlanta", "address": LISTED}],
            golden("checks.credentials_are_off.if_it_dials_prefix"),
        ),
        ({"dials_prefix": "unknown"}, [], golden("checks.credentials_are_off.once_listed_if_it_dials_prefix")),
    ],
)
def test_who_could_and_is_not_ready_is_named(judged, facts, addresses, words):
    """
    A static PBX that is not ready is named with its remaining steps; no change is proposed.

    Such a PBX does not lower the severity, and a change would cut it off.
    """
    verdict = judged(credentials_are_off, account(pbx("atlanta", **facts), addresses=addresses))["account"]

    assert verdict.severity is Severity.HIGH
    assert golden("checks.credentials_are_off.not_every_pbx_is_ready", words=words) in verdict.reason
    assert () == verdict.changes
    assert verdict.evidence[0]["PBX"] == "Atlanta"


def test_off_fails_while_a_pbx_needs_them(judged):
    """Without credentials a dynamic address is never admitted, which no call needs to prove. No change is proposed."""
    away = account(pbx("seattle"), pbx("miami", ip_kind="dynamic"), credentials_on=False)
    verdict = judged(credentials_are_off, away)["account"]

    assert (verdict.status, verdict.severity, verdict.impact) == (Status.FAIL, Severity.MEDIUM, Impact.OUTAGE)
    assert verdict.reason.endswith(golden("checks.credentials_are_off.not_every_pbx_can_call"))
    assert (verdict.pbx_ids, verdict.changes) == (("miami",), ())
