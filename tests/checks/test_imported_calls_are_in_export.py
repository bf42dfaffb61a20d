"""Check: imported calls are in the carrier's export; others give a finding until they are removed."""

from __future__ import annotations

from dataclasses import replace

from dashboard import schemas
from dashboard.checks.call_source_is_allowed import call_source_is_allowed
from dashboard.checks.imported_calls_are_in_export import imported_calls_are_in_export
from dashboard.domain.findings import Cause, Confidence, Severity, Status
from tests.builders import calls_row, frame, make_snapshot

THIEF = "203.0.113.66"
OTHER = "203.0.113.67"


def test_calls_that_only_files_have_fail(judged):
    """The finding has calls, dollars, days and sources."""
    rows = [calls_row(THIEF, calls=60, cost_usd="412.5", provenance="file_only"), calls_row(OTHER)]
    snapshot = replace(make_snapshot(), file_only_traffic=frame(schemas.TRAFFIC, rows))

    verdict = judged(imported_calls_are_in_export, snapshot)["account"]

    assert (Status.FAIL, Confidence.PROVEN) == (verdict.status, verdict.confidence)
    for part in ("61 calls", "$412.51", "on 2026-11-20", f"{THIEF} and {OTHER}", "drop-imported"):
        assert part in verdict.reason
    assert [(THIEF, 60, "412.50000000"), (OTHER, 1, "0.01000000")] == [
        (row["source address"], row["calls"], row["cost (USD)"]) for row in verdict.evidence
    ]


def test_without_such_calls_it_passes(judged):
    """The check passes if there are calls and all of them count."""
    snapshot = make_snapshot(traffic=[calls_row(OTHER)])

    assert Status.PASS == judged(imported_calls_are_in_export, snapshot)["account"].status


def test_without_an_export_to_compare_with_it_is_unknown(judged):
    """In mode ``files`` there is no export of the carrier to compare with, so the result is unknown."""
    snapshot = replace(make_snapshot(traffic=[calls_row(OTHER)]), capabilities=frozenset())

    verdict = judged(imported_calls_are_in_export, snapshot)["account"]

    assert (Status.UNKNOWN, Cause.MISSING) == (verdict.status, verdict.cause)
    assert "API key" in verdict.reason
    assert "evaluated" not in verdict.reason


def test_a_thief_in_imported_files_stays_critical(judged):
    """A source in imported files is evaluated although the export lacks its calls, and counts in no total."""
    rows = frame(schemas.TRAFFIC, [calls_row(THIEF, calls=60, provenance="file_only")])
    snapshot = replace(make_snapshot(), file_only_traffic=rows)

    verdict = judged(call_source_is_allowed, snapshot)[THIEF]

    assert (Status.FAIL, Severity.CRITICAL) == (verdict.status, verdict.severity)
    assert snapshot.traffic.empty
