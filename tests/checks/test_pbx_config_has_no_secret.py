"""Check: PBX files contain no API key, and no unneeded SIP password of the trunk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.checks.pbx_config_has_no_secret import pbx_config_has_no_secret
from dashboard.domain.findings import Cause, Severity, Status
from dashboard.domain.snapshot import Freshness
from tests.builders import NOW, make_snapshot, pbx
from tests.pbx.facts import about
from tests.texts import golden

ADDRESS = "198.51.100.11"
TRUNK = ("trunk.flowroute.host", "us-west-or.sip.flowroute.com", 5)


def facts(*rows, pbx_id="seattle"):
    """Return ``pbx_config`` rows from key, value and line."""
    file = f"{pbx_id}/pjsip.conf"
    return [{"pbx_id": pbx_id, **about(key), "value": value, "file": file, "line": line} for key, value, line in rows]


def secret(kind, line=21):
    """Return the fact that a file contains a secret."""
    return ("secret_present", kind, line)


def world(*rows, listed=True, credentials_on=True, **of_pbx):
    """Return an account with one PBX that has these configuration facts."""
    address = {"pbx_id": "seattle", "address": ADDRESS, "kind": "primary", "source": "declared"}
    return make_snapshot(
        allowed=(ADDRESS,) if listed else (),
        credentials_on=credentials_on,
        pbxs=[pbx("seattle", **of_pbx)],
        addresses=[address],
        pbx_config=facts(*rows),
    )


def test_a_configuration_that_holds_none_passes(judged):
    """Without both kinds the check passes; passwords of phones and of the PBX itself do not count."""
    rows = (TRUNK, secret("phone password"), secret("voicemail PIN"), secret("management password"))
    verdicts = judged(pbx_config_has_no_secret, world(*rows, secret("password of another trunk")))

    assert {"seattle: API key", "seattle: SIP password"} == set(verdicts)
    assert {Status.PASS} == {verdict.status for verdict in verdicts.values()}


def test_undecided_reason_does_not_claim_a_decision():
    """Without a configuration and without the list, the reason does not claim a decision."""
    bare = world()
    never = {**bare.freshness, "allowed_ips": Freshness(None, 3600)}
    (found,) = pbx_config_has_no_secret.findings(replace(bare, freshness=never))

    assert Status.UNKNOWN is found.status
    assert "Decided without" not in found.reason


@pytest.mark.parametrize("kind", ["trunk password", "registration password"])
@pytest.mark.parametrize(
    ("credentials_on", "severity", "words"),
    [
        (True, None, golden("checks.pbx_config_has_no_secret.serve_only_a_thief")),
        (None, None, golden("checks.pbx_config_has_no_secret.serve_only_a_thief")),
        (False, Severity.LOW, golden("checks.pbx_config_has_no_secret.open_nothing")),
    ],
)
def test_a_password_that_nobody_needs_fails(judged, kind, credentials_on, severity, words):
    """A PBX admitted by address does not need the password: file and line are named; hygiene if credentials are off."""
    verdict = judged(pbx_config_has_no_secret, world(TRUNK, secret(kind), credentials_on=credentials_on))[
        "seattle: SIP password"
    ]

    assert (Status.FAIL, severity) == (verdict.status, verdict.severity)
    assert "Seattle (seattle/pjsip.conf, line 21)" in verdict.reason
    assert words in verdict.reason
    assert ({"secret": kind, "place": "seattle/pjsip.conf, line 21"},) == verdict.evidence


@pytest.mark.parametrize(
    ("world_of", "status"),
    [
        ({"auth_method": "credentials"}, Status.PASS),
        ({"dials_prefix": "no"}, Status.PASS),
        ({"ip_kind": "dynamic"}, Status.PASS),
        ({"listed": False}, Status.PASS),
        ({"dials_prefix": "unknown"}, Status.UNKNOWN),
        ({"status": "standby"}, Status.FAIL),
        ({"auth_method": "both"}, Status.FAIL),
    ],
)
def test_a_password_that_is_needed_is_no_fault(judged, world_of, status):
    """A PBX on credentials, or not listed yet, needs the password; without a proven prefix it is unknown."""
    verdict = judged(pbx_config_has_no_secret, world(TRUNK, secret("trunk password"), **world_of))

    assert status is verdict["seattle: SIP password"].status


@pytest.mark.parametrize("need", [{}, {"auth_method": "credentials"}])
def test_an_api_key_fails_whatever_the_pbx_needs(judged, need):
    """An API key is worse than a password whatever the PBX needs; two lines of one file are one finding."""
    snapshot = world(TRUNK, secret("API key", 7), secret("API key", 8), **need)
    verdict = judged(pbx_config_has_no_secret, snapshot)["seattle: API key"]

    assert (Status.FAIL, Severity.HIGH) == (verdict.status, verdict.severity)
    assert verdict.severity.rank < pbx_config_has_no_secret.severity.rank
    assert golden("checks.pbx_config_has_no_secret.lines") in verdict.reason


def test_a_key_is_found_where_no_trunk_is_read(judged):
    """An API key is found in a folder without the trunk, too."""
    assert Status.FAIL is judged(pbx_config_has_no_secret, world(secret("API key")))["seattle: API key"].status


@pytest.mark.parametrize("kind", ["password", "", "something new"])
def test_a_password_of_unknown_use_is_unknown(judged, kind):
    """A password of unknown purpose is unknown, because it may be the trunk's."""
    verdict = judged(pbx_config_has_no_secret, world(TRUNK, secret(kind)))["seattle: SIP password"]

    assert (Status.UNKNOWN, Severity.LOW) == (verdict.status, verdict.severity)
    assert "line 21" in verdict.reason


def test_what_was_not_read_is_unknown(judged):
    """A PBX without a configuration, without a trunk in its files, or known from an asset register only is unknown."""
    rows = [
        *facts(TRUNK),
        *facts(("address.bind", "198.51.100.24", 3), pbx_id="denver"),
        *facts(("record.address", "198.51.100.40", 0), pbx_id="atlanta"),
    ]
    names = ("seattle", "denver", "atlanta", "dallas")
    snapshot = make_snapshot(pbxs=[*map(pbx, names), pbx("boston", status="retired")], pbx_config=rows)
    verdicts = judged(pbx_config_has_no_secret, snapshot)
    left = {subject: verdict for subject, verdict in verdicts.items() if ":" not in subject}

    assert {"denver", "atlanta", "dallas"} == set(left)
    assert {(Status.UNKNOWN, Cause.MISSING)} == {(verdict.status, verdict.cause) for verdict in left.values()}
    assert golden("checks.pbx_config_has_no_secret.no_trunk") in left["denver"].reason
    assert golden("checks.pbx_config_has_no_secret.never_read") in left["dallas"].reason


def test_where_no_configuration_was_read_it_is_said_once():
    """An account whose PBXs come from a table gives one unknown finding in total."""
    (finding,) = pbx_config_has_no_secret.findings(make_snapshot(pbxs=[pbx("seattle"), pbx("denver")]))

    assert (Status.UNKNOWN, "account") == (finding.status, finding.subject)


def test_an_old_reading_is_stale():
    """Configurations have their own age: confirming the inventory today does not refresh them."""
    snapshot = world(TRUNK)
    old = {**snapshot.freshness, "configurations": Freshness(NOW.replace(hour=1), 60)}
    findings = pbx_config_has_no_secret.findings(replace(snapshot, freshness=old))

    assert {(Status.UNKNOWN, Cause.STALE)} == {(finding.status, finding.cause) for finding in findings}
