"""
Table of accounts with expected verdict, severity, confidence and fix.

Classes: identity claimed by the caller, outcomes that prove nothing, digests, past loss, addresses that a PBX left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard import schemas
from dashboard.calls.replay.replayer import replay
from dashboard.checks.allowed_ip_has_pbx import allowed_ip_has_pbx
from dashboard.checks.call_source_is_allowed import call_source_is_allowed
from dashboard.checks.past_loss_is_reviewed import past_loss_is_reviewed
from dashboard.checks.pbx_address_is_allowed import pbx_address_is_allowed
from dashboard.checks.registry import ACCOUNT_SUBJECT
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.findings import Confidence, Finding, Severity, Status
from dashboard.domain.snapshot import Snapshot
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.texts import golden

CHECKS = {
    one.id: one for one in (call_source_is_allowed, pbx_address_is_allowed, allowed_ip_has_pbx, past_loss_is_reviewed)
}
DENVER = "198.51.100.24"
MIAMI = "203.0.113.9"
ATLANTA = "198.51.100.40"
STRANGER = "203.0.113.66"
DAY = timedelta(days=1)
FAIL = Status.FAIL
UNKNOWN = Status.UNKNOWN
PASS = Status.PASS
CRITICAL = Severity.CRITICAL
HIGH = Severity.HIGH
MEDIUM = Severity.MEDIUM
LOW = Severity.LOW
PROVEN = Confidence.PROVEN
INFERRED = Confidence.INFERRED
CANNOT = Confidence.CANNOT_TELL
SOURCE, ADDRESS, ENTRY, LOSS = CHECKS
LEFT_AT = NOW - 10 * DAY
OFFICE_HOURS = range(14, 23)
"""Hours in UTC in which the PBXs of the cases call."""


@dataclass(frozen=True)
class Case:
    """Facts of an account, and the expected finding of one check on one subject."""

    name: str
    traffic: Sequence[Mapping[str, Any]]
    expected: tuple[Status, Severity, Confidence]
    says: str = ""
    check: str = SOURCE
    subject: str = STRANGER
    fix: Sequence[str] = ()
    allowed: tuple[str, ...] = (DENVER,)
    credentials_on: bool = True
    changed_from: tuple[tuple[str, ...], bool] | None = None
    """Allow list and switch until two days ago; ``None`` without a change."""
    patterns: Sequence[Mapping[str, Any]] = ()
    observed: Observations = field(default_factory=Observations)
    reviewed: tuple[int, str] | None = None
    """Calls and dollars of the unassigned source that were reviewed."""
    left: tuple[str, ...] = ()
    """PBXs that had the address of the unassigned source until ten days ago."""
    taken: tuple[str, ...] = ()
    """PBXs that have it since five days ago."""


def by(rule: str, who: str, source: str = STRANGER, **facts: Any) -> dict[str, Any]:
    """Return calls that one rule attributes to a PBX."""
    return calls_row(source, pbx_id=who, attributed_by=rule, x_tag=who if rule == "x_tag" else "", **facts)


def own(who: str, source: str, **facts: Any) -> dict[str, Any]:
    """Return calls of a PBX from an address that the inventory assigns to it."""
    return by("address", who, source, **facts)


def pattern(who: str, source: str, zone: str, hour: int, calls: int, *, age: timedelta) -> dict[str, Any]:
    """Return calls at one hour of the day to one zone, the first of them ``age`` ago."""
    first = NOW - age
    times = {"first_at": first, "last_at": first + 10 * DAY, "hour": hour, "calls": calls}
    by_words = {"pbx_id": who, "attributed_by": "caller_id"}
    return {"direction": "outbound", "source_ip": source, "outcome": "answered", "zone": zone, **times, **by_words}


LONG_KNOWN = [by("caller_id", "miami", at=NOW - 20 * DAY, calls=40)]
MIAMIS_OWN = [pattern("miami", MIAMI, "UNITED STATES", hour, 40, age=29 * DAY) for hour in OFFICE_HOURS]


def claimed_as(zone: str, hour: int) -> list[dict[str, Any]]:
    """Return the patterns of Miami and of a source that has claimed to be Miami for 20 days."""
    return [*MIAMIS_OWN, pattern("miami", STRANGER, zone, hour, 30, age=20 * DAY)]


NO_PATH = Observations(no_path_status=403)
WORDS = [
    Case("new source, dynamic PBX's caller id", [by("caller_id", "miami")], (FAIL, HIGH, INFERRED), "source is new"),
    Case(
        "new source, dynamic PBX's X-Tag",
        [by("x_tag", "miami")],
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.only_x_tag_says"),
    ),
    Case(
        "long known source, dynamic PBX's caller id",
        LONG_KNOWN,
        (UNKNOWN, HIGH, CANNOT),
        golden("checks.claims_to_be.only_mark_and_anyone_can_write_it", mark="caller id", pbx="Miami"),
    ),
    Case(
        "long known source, zones and hours as usual",
        LONG_KNOWN,
        (UNKNOWN, HIGH, CANNOT),
        patterns=claimed_as("UNITED STATES", 15),
    ),
    Case(
        "long known source, new zone",
        LONG_KNOWN,
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.new_zone", zone="CUBA", pbx="Miami"),
        patterns=claimed_as("CUBA", 15),
    ),
    Case(
        "long known source, odd hours",
        LONG_KNOWN,
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.odd_hours", calls=30, pbx="Miami"),
        patterns=claimed_as("UNITED STATES", 5),
    ),
    Case(
        "long known source while the dynamic PBX calls from its own address",
        [*LONG_KNOWN, own("miami", MIAMI)],
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.own_address_meanwhile", pbx="Miami", address=MIAMI),
    ),
    Case("dynamic PBX at its own address", [own("miami", MIAMI)], (PASS, HIGH, PROVEN), "needs", subject=MIAMI),
    Case(
        "dynamic PBX's X-Tag from its own address",
        [by("x_tag", "miami", MIAMI)],
        (PASS, HIGH, PROVEN),
        "needs",
        subject=MIAMI,
    ),
    Case(
        "static PBX's caller id, its own address listed and in use",
        [by("caller_id", "denver"), own("denver", DENVER)],
        (FAIL, CRITICAL, PROVEN),
        golden("checks.claims_to_be.only_caller_id", pbx="Denver"),
    ),
    Case(
        "static PBX's X-Tag, its own address listed and in use",
        [by("x_tag", "denver"), own("denver", DENVER)],
        (FAIL, CRITICAL, PROVEN),
        golden("checks.claims_to_be.only_x_tag", pbx="Denver"),
    ),
    Case(
        "static PBX's caller id, its own address silent",
        [by("caller_id", "denver")],
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.only_caller_id", pbx="Denver"),
    ),
    Case(
        "static PBX's caller id, its own address silent since before",
        [by("caller_id", "denver"), own("denver", DENVER, at=NOW - 5 * DAY)],
        (FAIL, HIGH, INFERRED),
    ),
    Case(
        "static PBX's caller id, long known source",
        [by("caller_id", "denver", at=NOW - 20 * DAY)],
        (FAIL, HIGH, INFERRED),
    ),
    Case(
        "refused under a PBX's X-Tag",
        [refused_row(STRANGER, pbx_id="denver", attributed_by="x_tag", x_tag="denver")],
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.only_x_tag", pbx="Denver"),
    ),
    Case(
        "retired PBX's X-Tag",
        [by("x_tag", "boston")],
        (FAIL, CRITICAL, PROVEN),
        golden("checks.call_source_is_allowed.none_of_our_pbxs"),
    ),
    Case(
        "unassigned source",
        [calls_row(STRANGER)],
        (FAIL, CRITICAL, PROVEN),
        golden("checks.call_source_is_allowed.none_of_our_pbxs"),
    ),
    Case(
        "static PBX at its own unlisted address",
        [own("denver", DENVER)],
        (FAIL, HIGH, PROVEN),
        "by credentials alone",
        subject=DENVER,
        allowed=(),
        fix=[f"Allow {DENVER}"],
    ),
]


def ended(outcome: str, status: int | None, source: str = STRANGER, **facts: Any) -> dict[str, Any]:
    """Return calls that ended in one way."""
    return calls_row(source, outcome=outcome, sip_status=status, **facts)


PROOF = [
    *(
        Case(
            f"stranger, {outcome} {status}",
            [ended(outcome, status)],
            (UNKNOWN, MEDIUM, CANNOT),
            "neither admission nor",
        )
        for outcome, status in (
            ("other", None),
            ("network", 503),
            ("network", 500),
            ("media", 488),
            ("bad_number", 404),
            ("refused_unknown", 403),
        )
    ),
    *(
        Case(f"stranger, {outcome} {status}", [ended(outcome, status)], (FAIL, CRITICAL, PROVEN), "admitted")
        for outcome, status in (("answered", None), ("busy_or_no_answer", 486), ("gave_up", 487))
    ),
    *(
        Case(f"stranger, {status}", [ended("refused_auth", status)], (FAIL, LOW, PROVEN), "refused")
        for status in (401, 407, 403)
    ),
    Case(
        "stranger, 503 beside refusals",
        [ended("network", 503, calls=50), ended("refused_auth", 403)],
        (FAIL, LOW, PROVEN),
        "1 call was refused",
    ),
    Case(
        "dynamic PBX, only 503",
        [ended("network", 503, MIAMI, pbx_id="miami", attributed_by="address")],
        (UNKNOWN, MEDIUM, CANNOT),
        subject=MIAMI,
    ),
    Case(
        "credentials off, the observed code",
        [ended("refused_unknown", 403)],
        (FAIL, LOW, PROVEN),
        "refused",
        credentials_on=False,
        observed=NO_PATH,
    ),
    Case(
        "credentials off, a code that was not observed",
        [ended("network", 503)],
        (UNKNOWN, MEDIUM, CANNOT),
        credentials_on=False,
        observed=NO_PATH,
    ),
    Case(
        "credentials off, unlisted and answered",
        [ended("answered", 200)],
        (UNKNOWN, HIGH, CANNOT),
        "out of date",
        credentials_on=False,
    ),
    Case(
        "listed PBX, only 503: nothing proves that it is admitted",
        [ended("network", 503, DENVER, pbx_id="denver", attributed_by="address")],
        (PASS, HIGH, INFERRED),
        subject=DENVER,
    ),
    Case(
        "listed PBX, only 503, by its address",
        [ended("network", 503, DENVER, pbx_id="denver", attributed_by="address")],
        (PASS, HIGH, INFERRED),
        check=ADDRESS,
        subject=DENVER,
    ),
    Case(
        "unlisted PBX, only 503: it fails by list and inventory alone",
        [ended("network", 503, DENVER, pbx_id="denver", attributed_by="address")],
        (FAIL, HIGH, INFERRED),
        check=ADDRESS,
        subject=DENVER,
        allowed=(),
        fix=[f"Allow {DENVER}"],
    ),
    Case(
        "unassigned entry, only 503: not in use",
        [ended("network", 503)],
        (FAIL, MEDIUM, INFERRED),
        check=ENTRY,
        allowed=(STRANGER,),
        fix=[f"Remove {STRANGER}"],
    ),
    Case(
        "unassigned entry, answered: in use",
        [ended("answered", 200)],
        (FAIL, HIGH, PROVEN),
        "were admitted",
        check=ENTRY,
        allowed=(STRANGER,),
        fix=[f"Remove {STRANGER}"],
    ),
]

THEFT = calls_row(STRANGER, calls=60, cost_usd="412.50", at=NOW - 5 * DAY)
SWITCHED_OFF: dict[str, Any] = {"check": LOSS, "credentials_on": False, "changed_from": ((DENVER,), True)}
PAST = [
    Case("theft before the switch", [THEFT], (FAIL, HIGH, PROVEN), "60 calls, $412.50, by someone", **SWITCHED_OFF),
    Case("reviewed", [THEFT], (PASS, HIGH, PROVEN), "by j.lee", reviewed=(60, "412.50"), **SWITCHED_OFF),
    Case("more than reviewed", [THEFT], (FAIL, HIGH, PROVEN), "see", reviewed=(59, "412.50"), **SWITCHED_OFF),
    Case(
        "theft by a removed entry",
        [THEFT],
        (FAIL, HIGH, PROVEN),
        check=LOSS,
        changed_from=((DENVER, STRANGER), True),
    ),
    Case(
        "reviewed and still going on",
        [THEFT, calls_row(STRANGER)],
        (FAIL, HIGH, PROVEN),
        "still admitted",
        check=LOSS,
        changed_from=((DENVER, STRANGER), True),
        reviewed=(60, "412.50"),
    ),
    Case(
        "forged X-Tag before the switch",
        [by("x_tag", "miami", calls=9, at=NOW - 5 * DAY)],
        (FAIL, HIGH, INFERRED),
        golden("checks.call_source_is_allowed.from_no_pbx"),
        **SWITCHED_OFF,
    ),
    Case(
        "only failures before the switch",
        [ended("network", 503, at=NOW - 5 * DAY)],
        (PASS, HIGH, INFERRED),
        subject=ACCOUNT_SUBJECT,
        **SWITCHED_OFF,
    ),
    Case(
        "a PBX's own calls by credentials before the switch",
        [own("atlanta", ATLANTA, at=NOW - 5 * DAY)],
        (PASS, HIGH, INFERRED),
        subject=ACCOUNT_SUBJECT,
        **SWITCHED_OFF,
    ),
    Case(
        "today's exposure of a past theft is over",
        [THEFT],
        (PASS, HIGH, INFERRED),
        golden("checks.call_source_is_allowed.no_call_since_policy"),
        **(SWITCHED_OFF | {"check": SOURCE}),
    ),
]
MIAMIS_BEFORE = own("miami", STRANGER, calls=300, at=LEFT_AT - DAY)
DENVERS_BEFORE = own("denver", STRANGER, calls=300, at=LEFT_AT - DAY)
LEFT = [
    *(
        Case(
            f"an address that the dynamic PBX left, its {name} since",
            [by(rule, "miami")],
            (FAIL, HIGH, INFERRED),
            golden("checks.claims_to_be.left_the_address", name=name),
            left=("miami",),
        )
        for rule, name in (("x_tag", "X-Tag"), ("caller_id", "caller id"))
    ),
    Case(
        "an address that the dynamic PBX left, its own calls before and its X-Tag since",
        [MIAMIS_BEFORE, by("x_tag", "miami", calls=7)],
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.admitted_by_credentials"),
        left=("miami",),
    ),
    Case(
        "an address that the dynamic PBX left, only its X-Tag from before",
        [by("x_tag", "miami", at=LEFT_AT - DAY)],
        (PASS, HIGH, PROVEN),
        "needs",
        left=("miami",),
    ),
    Case(
        "an address that the dynamic PBX left and another PBX has, its X-Tag since",
        [by("x_tag", "miami")],
        (PASS, HIGH, PROVEN),
        "needs",
        left=("miami",),
        taken=("atlanta",),
    ),
    Case(
        "an address that the dynamic PBX left and has again, its X-Tag in between and since",
        [by("x_tag", "miami", at=NOW - 7 * DAY), by("x_tag", "miami")],
        (PASS, HIGH, PROVEN),
        "needs",
        left=("miami",),
        taken=("miami",),
    ),
    Case(
        "an address that the static PBX left, its X-Tag since, its own address in use",
        [DENVERS_BEFORE, by("x_tag", "denver"), own("denver", DENVER)],
        (FAIL, CRITICAL, PROVEN),
        golden("checks.claims_to_be.only_x_tag", pbx="Denver"),
        left=("denver",),
    ),
    Case(
        "an address that the static PBX left, its X-Tag since, its own address silent",
        [by("x_tag", "denver")],
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.only_x_tag", pbx="Denver"),
        left=("denver",),
    ),
    Case(
        "an address that the static PBX left, refused under its X-Tag since",
        [refused_row(STRANGER, pbx_id="denver", attributed_by="x_tag", x_tag="denver")],
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.only_x_tag", pbx="Denver"),
        left=("denver",),
    ),
    Case(
        "an address that the dynamic PBX left, to a zone that it never called",
        [by("x_tag", "miami", at=NOW - 9 * DAY)],
        (FAIL, HIGH, INFERRED),
        golden("checks.claims_to_be.new_zone_amid"),
        patterns=[*MIAMIS_OWN, pattern("miami", STRANGER, "CUBA", 15, 30, age=9 * DAY)],
        left=("miami",),
    ),
    Case(
        "a listed address that its PBX left, its own calls before and its X-Tag since",
        [MIAMIS_BEFORE, by("x_tag", "miami")],
        (PASS, HIGH, INFERRED),
        golden("checks.claims_to_be.listed_though_nobody_calls", pbx="Miami"),
        allowed=(DENVER, STRANGER),
        left=("miami",),
    ),
]
CASES = [*WORDS, *PROOF, *PAST, *LEFT]


def account(case: Case) -> Snapshot:
    """Return the account of a case: a static, a dynamic, a credentials and a retired PBX."""
    policies = [PolicyVersion(Policy(frozenset(case.allowed), case.credentials_on, "12345678"), NOW - 60 * DAY)]
    if case.changed_from is not None:
        networks, on = case.changed_from
        before = PolicyVersion(Policy(frozenset(networks), on, "12345678"), NOW - 60 * DAY)
        policies = [before, replace(policies[0], valid_from=NOW - 2 * DAY)]
    made = make_snapshot(
        allowed=case.allowed,
        credentials_on=case.credentials_on,
        pbxs=[
            pbx("denver"),
            pbx("miami", ip_kind="dynamic", auth_method="credentials", dials_prefix="no"),
            pbx("atlanta", auth_method="both"),
            pbx("boston", status="retired"),
        ],
        addresses=[
            {"pbx_id": "denver", "address": DENVER, "source": "declared"},
            {"pbx_id": "miami", "address": MIAMI, "source": "observed"},
            {"pbx_id": "atlanta", "address": ATLANTA, "source": "declared"},
            *({"pbx_id": one, "address": STRANGER, "valid_to": LEFT_AT} for one in case.left),
            *({"pbx_id": one, "address": STRANGER, "valid_from": NOW - 5 * DAY} for one in case.taken),
        ],
        traffic=[dict(row) for row in case.traffic],
        versions=tuple(policies),
        observed=case.observed,
        call_patterns=[dict(row) for row in case.patterns],
    )
    if case.reviewed is None:
        return made
    calls, dollars = case.reviewed
    review = {"subject": STRANGER, "calls": calls, "cost_usd": dollars, "last_at": NOW, "reviewed_by": "j.lee"}
    review |= {"evidence_digest": "as shown", "reviewed_at": NOW}
    return replace(made, loss_reviews=frame(schemas.LOSS_REVIEWS, [review]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_facts_give_this_verdict(case: Case) -> None:
    """Status, severity, confidence and fix are as expected, and the reason names the deciding fact."""
    findings: dict[str, Finding] = {one.subject: one for one in CHECKS[case.check].findings(account(case))}
    found = findings[case.subject]

    assert case.expected == (found.status, found.severity, found.confidence)
    assert case.says in found.reason
    assert list(case.fix) == [change.describe() for change in found.changes]


def test_each_case_has_a_name_of_its_own() -> None:
    """Case names are unique, so that a failure identifies its row."""
    assert len(CASES) == len({(case.check, case.name) for case in CASES})


DIGESTS = [
    ("inventory says credentials", {"auth_method": "credentials"}, [calls_row(MIAMI)], "broken"),
    ("nothing known of its method, admitted", {"auth_method": "unknown"}, [calls_row(MIAMI)], "broken"),
    ("empty method, admitted", {"auth_method": ""}, [calls_row(MIAMI)], "broken"),
    ("empty method, nothing proven", {"auth_method": ""}, [ended("network", 503, MIAMI)], "may be broken"),
    ("ip, nothing proven", {"auth_method": "ip"}, [ended("network", 503, MIAMI)], "unchanged"),
    ("both, refused digest", {"auth_method": "both"}, [ended("refused_auth", 407, MIAMI)], "unchanged"),
    ("both, refused digest with 401", {"auth_method": "both"}, [ended("refused_auth", 401, MIAMI)], "unchanged"),
    (
        "admitted, later its digest was refused: the password changed",
        {"auth_method": "both"},
        [ended("refused_auth", 407, MIAMI), calls_row(MIAMI, at=NOW - DAY)],
        "unchanged",
    ),
    (
        "refused digest, later admitted: the password was corrected",
        {"auth_method": "ip"},
        [calls_row(MIAMI), ended("refused_auth", 407, MIAMI, at=NOW - DAY)],
        "broken",
    ),
]


@pytest.mark.parametrize(("facts", "rows", "label"), [case[1:] for case in DIGESTS], ids=[case[0] for case in DIGESTS])
def test_a_digest_is_judged_by_what_calls_prove(facts: dict[str, str], rows: list[dict[str, Any]], label: str) -> None:
    """
    With credentials off, the latest call breaks only if the PBX is proven to have them.

    If it is unknown whether the PBX has credentials, the call may be broken.
    """
    plain = {"ip_kind": "dynamic", "dials_prefix": "no"}
    snapshot = make_snapshot(
        pbxs=[pbx("miami", **(plain | facts))],
        addresses=[{"pbx_id": "miami", "address": MIAMI, "source": "observed"}],
        traffic=[row | {"pbx_id": "miami", "attributed_by": "address"} for row in rows],
    )
    labels = replay(snapshot, replace(snapshot.policy, credentials_on=False)).rows["label"]

    assert label == labels.iloc[0]
