"""Order of findings in the command line, pages and exports: severity, then today's cost."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dashboard import checks, schemas
from dashboard.domain.findings import Cause, Confidence, Finding, Impact, LastKnown, Severity, Status
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row

COSTLY = "203.0.113.99"
CHEAP = "203.0.113.50"
FREE = "203.0.113.10"
EARLIER = "203.0.113.20"


def of_call_source(findings: list[Finding]) -> list[str]:
    """Return the subjects of one check's failures in order."""
    return [one.subject for one in findings if one.check == "call_source_is_allowed" and one.status is Status.FAIL]


def test_costliest_unassigned_source_is_first() -> None:
    """
    The unassigned source with the highest cost today is first; one without cost, or without cost today, is last.

    Sorting by address would give the reverse order.
    """
    traffic = [
        calls_row(FREE, cost_usd="0"),
        calls_row(EARLIER, cost_usd="900", at=NOW - timedelta(days=5)),
        calls_row(CHEAP, cost_usd="9.50", calls=1000),
        calls_row(COSTLY, cost_usd="412.50"),
    ]
    known = replace(make_snapshot(traffic=traffic, pbxs=[pbx("denver")]), allowed_ips=frame(schemas.ALLOWED_IPS, []))

    assert [COSTLY, CHEAP, FREE, EARLIER] == of_call_source(checks.run(known))


def test_a_charge_that_nobody_knows_is_no_fault() -> None:
    """A call with an unknown charge adds nothing, and does not sort as free before others that are."""
    traffic = [calls_row(CHEAP, cost_usd=None), calls_row(COSTLY, cost_usd="1")]

    assert [COSTLY, CHEAP] == of_call_source(checks.run(make_snapshot(traffic=traffic, pbxs=[pbx("denver")])))


def row(severity: Severity, subject: str, *, impact: Impact = Impact.LOSS, **facts: Any) -> Finding:
    """Return a failure of an unassigned source."""
    given = {"title": "", "status": Status.FAIL, "confidence": Confidence.PROVEN, "reason": "It is."}
    return Finding(check="a", subject=subject, severity=severity, impact=impact, **(given | facts))


def spent(dollars: str, *, day: str = "0", calls: int = 1, outcome: str = "Answered") -> dict[str, Any]:
    """Return evidence rows with a cost."""
    return {"outcome": outcome, "calls in 24 h": calls, "cost in 24 h (USD)": day, "cost (USD)": dollars}


def test_dollars_never_outrank_severity_or_state() -> None:
    """
    Severity and status precede dollars.

    Critical precedes high whatever the cost; open failures, including last known ones, precede unknown and passes.
    """
    old = LastKnown(Status.FAIL, NOW)
    wanted = [
        row(Severity.CRITICAL, "free", evidence=(spent("0"),)),
        row(
            Severity.HIGH,
            "refused today",
            impact=Impact.OUTAGE,
            evidence=(spent("0", outcome="Refused for authorization"),),
        ),
        row(Severity.HIGH, "spends today", evidence=(spent("90", day="80"),)),
        row(
            Severity.HIGH, "spent less today", evidence=(spent("900", day="7"),), status=Status.UNKNOWN, last_known=old
        ),
        row(Severity.HIGH, "silent", impact=Impact.OUTAGE),
        row(Severity.HIGH, "spent once", evidence=(spent("50", calls=0),)),
        row(Severity.HIGH, "spent less once", evidence=(spent("5", calls=0),)),
        row(Severity.HIGH, "untidy", impact=Impact.HYGIENE, evidence=(spent("9000", calls=0),)),
        row(Severity.CRITICAL, "unknown", status=Status.UNKNOWN, cause=Cause.MISSING),
        row(Severity.CRITICAL, "passed", status=Status.PASS),
    ]
    mixed = random.Random(1).sample(wanted, len(wanted))

    assert [one.subject for one in wanted] == [one.subject for one in sorted(mixed, key=checks.rank)]


def test_rejected_pbx_precedes_costly_source() -> None:
    """At equal severity, a PBX whose calls are rejected precedes a source that causes cost, as on Overview."""
    known = make_snapshot(
        pbxs=[pbx("denver")],
        addresses=[{"pbx_id": "denver", "address": "198.51.100.24"}],
        traffic=[refused_row("198.51.100.24", calls=9, pbx_id="denver", attributed_by="address")],
    )
    high = [one for one in checks.run(known) if one.open and one.severity is Severity.HIGH]

    assert Impact.OUTAGE is high[0].impact
