"""Check: calls come from allowed addresses, or from PBXs that must use credentials."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard import schemas
from dashboard.checks.call_source_is_allowed import call_source_is_allowed
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.findings import Cause, Confidence, Impact, Severity, Status
from dashboard.domain.snapshot import Freshness
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.texts import golden

SOURCE = "198.51.100.24"
PREFIX = "12345678"
CHANGED = NOW - timedelta(minutes=30)


def account(*traffic, current=True, **facts):
    """Return an account with a static, a dynamic and a retired PBX, by default with an empty allow list."""
    return make_snapshot(
        pbxs=[
            pbx("denver"),
            pbx("miami", ip_kind="dynamic", auth_method="credentials"),
            pbx("boston", status="retired"),
        ],
        addresses=[{"pbx_id": "denver", "address": SOURCE}] if current else [],
        traffic=list(traffic),
        **facts,
    )


def test_a_listed_source_passes(judged):
    """A listed source passes; admitted calls prove that the carrier's list agrees."""
    (verdict,) = judged(call_source_is_allowed, account(calls_row(SOURCE, pbx_id="denver"), allowed=(SOURCE,))).values()

    assert (verdict.subject, verdict.status, verdict.confidence) == (SOURCE, Status.PASS, Confidence.PROVEN)
    assert verdict.reason == golden("checks.listed.on_the_list", pbx="Denver", address=SOURCE)


@pytest.mark.parametrize(
    ("row", "impact", "words"),
    [
        (refused_row, Impact.OUTAGE, golden("checks.call_source_is_allowed.refused_in_24_hours", calls=9)),
        (calls_row, Impact.LOSS, golden("checks.call_source_is_allowed.admitted_by_credentials", calls=9)),
    ],
)
def test_a_static_pbx_must_be_listed(judged, row, impact, words):
    """Refused calls are an outage, admitted ones prove credentials; the PBX's current address is proposed."""
    verdict = judged(call_source_is_allowed, account(row(SOURCE, calls=9, pbx_id="denver")))[SOURCE]

    assert (verdict.status, verdict.severity, verdict.impact) == (Status.FAIL, Severity.HIGH, impact)
    assert verdict.reason == golden("checks.listed.not_on_the_list_with", pbx="Denver", address=SOURCE, words=words)
    assert [change.describe() for change in verdict.changes] == [f"Allow {SOURCE}"]


def test_only_a_current_address_is_proposed(judged):
    """An address that the inventory does not currently assign to the PBX is not proposed."""
    snapshot = account(refused_row(SOURCE, pbx_id="denver", attributed_by="x_tag", x_tag="denver"), current=False)
    verdict = judged(call_source_is_allowed, snapshot)[SOURCE]

    assert verdict.status is Status.FAIL
    assert not verdict.changes


@pytest.mark.parametrize("by", ["caller_id", "x_tag"])
def test_dynamic_pbx_is_not_identified_by_tag_alone(judged, by):
    """An X-Tag or caller id alone does not identify a dynamic PBX: a new source fails."""
    snapshot = account(calls_row("203.0.113.9", pbx_id="miami", attributed_by=by))
    verdict = judged(call_source_is_allowed, snapshot)["203.0.113.9"]

    assert (verdict.status, verdict.confidence) == (Status.FAIL, Confidence.INFERRED)
    assert (
        golden("checks.claims_to_be.only_mark", mark="X-Tag" if by == "x_tag" else "caller id", pbx="Miami")
        in verdict.reason
    )


def test_an_address_in_the_inventory_confirms_the_tag(judged):
    """An X-Tag is confirmed if the inventory assigns the source address to that PBX."""
    snapshot = account(calls_row("203.0.113.9", pbx_id="miami", attributed_by="x_tag"))
    where = frame(schemas.PBX_ADDRESSES, [{"pbx_id": "miami", "address": "203.0.113.9", "source": "observed"}])
    verdict = judged(call_source_is_allowed, replace(snapshot, pbx_addresses=where))["203.0.113.9"]

    assert (verdict.status, verdict.confidence) == (Status.PASS, Confidence.PROVEN)


def test_a_dynamic_pbx_that_is_refused_is_an_outage(judged):
    """If every call of a dynamic PBX is refused, its credentials do not work; listing its address is not proposed."""
    verdict = judged(call_source_is_allowed, account(refused_row("203.0.113.9", pbx_id="miami")))["203.0.113.9"]

    assert (verdict.status, verdict.impact, verdict.changes) == (Status.FAIL, Impact.OUTAGE, ())


@pytest.mark.parametrize("owner", ["", "boston"])
@pytest.mark.parametrize("outcome", ["answered", "busy_or_no_answer", "gave_up"])
def test_admitted_unassigned_source_is_critical(judged, owner, outcome):
    """Admitted calls of an unassigned source are critical: another party has the credentials."""
    row = calls_row("203.0.113.66", outcome=outcome, pbx_id=owner)
    verdict = judged(call_source_is_allowed, account(row, refused_row("203.0.113.66", calls=99)))["203.0.113.66"]
    worst = call_source_is_allowed.findings(account(row, refused_row("203.0.113.66", calls=99)))[0]

    assert worst.severity is Severity.CRITICAL
    assert worst.impact is Impact.LOSS
    assert golden("checks.call_source_is_allowed.uses_credentials") in worst.reason
    assert not verdict.changes


@pytest.mark.parametrize("owner", ["", "boston"])
def test_refused_unassigned_source_is_low(judged, owner):
    """Refused calls of an unassigned source give one finding of low severity, because the list works."""
    verdict = judged(call_source_is_allowed, account(refused_row("203.0.113.66", pbx_id=owner)))["203.0.113.66"]

    assert (verdict.status, verdict.severity, verdict.impact) == (Status.FAIL, Severity.LOW, Impact.HYGIENE)
    assert golden("checks.call_source_is_allowed.add_to_inventory") in verdict.reason


@pytest.mark.parametrize("owner", ["", "denver", "miami"])
def test_admitted_while_unlisted_with_credentials_off_is_a_contradiction(judged, owner):
    """An admitted call from an unlisted source with credentials off contradicts the list; nothing is proposed."""
    snapshot = account(calls_row(SOURCE, pbx_id=owner), credentials_on=False)
    verdict = judged(call_source_is_allowed, snapshot)[SOURCE]

    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.UNDECIDABLE)
    assert golden("checks.call_source_is_allowed.list_is_out_of_date") in verdict.reason


@pytest.mark.parametrize(
    ("observed", "expected"), [(403, (Status.FAIL, Impact.OUTAGE)), (None, (Status.UNKNOWN, None))]
)
def test_with_credentials_off_the_observed_code_is_a_refusal(judged, observed, expected):
    """A 403 that does not name the ACL proves a refusal only if that status was observed."""
    row = refused_row(SOURCE, pbx_id="denver", outcome="refused_unknown")
    off = account(row, credentials_on=False, observed=Observations(no_path_status=observed))
    verdict = judged(call_source_is_allowed, off)[SOURCE]

    assert expected == (verdict.status, verdict.impact)


def versions(before, after):
    """Return two policies, the second in force since ``CHANGED``."""
    return (
        PolicyVersion(Policy(frozenset(before[0]), before[1], PREFIX), NOW - timedelta(days=60)),
        PolicyVersion(Policy(frozenset(after[0]), after[1], PREFIX), CHANGED),
    )


@pytest.mark.parametrize("change", [(([SOURCE], True), ([], True)), (([], True), ([], False))])
def test_calls_from_before_the_change_are_history(judged, change):
    """Calls admitted before a change of list or switch do not count as failures."""
    snapshot = account(calls_row(SOURCE), versions=versions(*change), credentials_on=change[1][1])
    verdict = judged(call_source_is_allowed, snapshot)[SOURCE]

    assert verdict.status is Status.PASS
    assert golden("checks.call_source_is_allowed.no_call_since_policy") in verdict.reason


def test_silence_means_nothing_before_calls_are_fetched(judged):
    """Right after a change, before calls are fetched, the verdict is unknown with low severity."""
    snapshot = account(calls_row(SOURCE), versions=versions(([SOURCE], True), ([], True)))
    unheard = replace(snapshot, freshness={**snapshot.freshness, "calls": Freshness(CHANGED, 7200)})
    verdict = judged(call_source_is_allowed, unheard)[SOURCE]

    assert (verdict.status, verdict.severity) == (Status.UNKNOWN, Severity.LOW)


def test_another_address_on_the_list_changes_nothing_for_this_one(judged):
    """A policy change that does not concern the source does not reset its calls."""
    snapshot = account(refused_row(SOURCE, pbx_id="denver"), versions=versions(([], True), (["192.0.2.1"], True)))

    assert judged(call_source_is_allowed, snapshot)[SOURCE].status is Status.FAIL


def test_inbound_calls_say_nothing(judged):
    """Inbound calls are ignored, because admission concerns outbound calls."""
    assert judged(call_source_is_allowed, account(calls_row(SOURCE, direction="inbound"))) == {}


def test_calls_without_a_source_address_are_unknown(judged):
    """Calls without a source address are unknown and not skipped."""
    assert judged(call_source_is_allowed, account(calls_row("")))["account"].status is Status.UNKNOWN


def test_two_pbxs_and_a_stranger_behind_one_address_are_each_told(judged):
    """Each address has one verdict with the calls of all its callers, the worst first."""
    snapshot = make_snapshot(
        pbxs=[pbx("denver"), pbx("seattle")],
        addresses=[
            {"pbx_id": one, "address": SOURCE, "kind": "primary", "source": "declared"} for one in ("denver", "seattle")
        ],
        traffic=[
            refused_row(SOURCE, calls=3, pbx_id="denver", x_tag="denver", attributed_by="x_tag"),
            refused_row(SOURCE, calls=2, pbx_id="seattle", x_tag="seattle", attributed_by="x_tag"),
            refused_row(SOURCE, calls=1),
        ],
    )
    verdict = judged(call_source_is_allowed, snapshot)[SOURCE]
    (change,) = verdict.changes

    assert (Status.FAIL, Severity.HIGH) == (verdict.status, verdict.severity)
    assert golden("checks.listed.refused_calls", pbx="Denver", address=SOURCE, calls=3) in verdict.reason
    assert golden("checks.listed.refused_calls", pbx="Seattle", address=SOURCE, calls=2) in verdict.reason
    assert golden("checks.listed.unassigned_call_was_refused", address=SOURCE) in verdict.reason
    assert ("denver", "seattle") == verdict.pbx_ids
    assert [3, 2, 1] == [row["calls"] for row in verdict.evidence]
    assert "Denver and Seattle" == change.label
