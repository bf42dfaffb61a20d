"""Sentences on callers that only claim to be a PBX."""

from __future__ import annotations

from dashboard.checks.evidence import caller_claims
from dashboard.checks.evidence.calls import OutboundCalls
from tests.builders import calls_row, make_snapshot, pbx
from tests.texts import golden

SOURCE = "203.0.113.66"


def test_several_fields_and_pbxs_are_enumerated() -> None:
    """Two fields take a plural verb, and three PBXs are joined by commas and "or"."""
    pbx_ids = ("miami", "denver", "austin")
    rules = ("x_tag", "caller_id", "x_tag")
    traffic = [calls_row(SOURCE, pbx_id=one, attributed_by=by) for one, by in zip(pbx_ids, rules, strict=True)]
    snapshot = make_snapshot(pbxs=[pbx(one) for one in pbx_ids], traffic=traffic)
    calls = OutboundCalls(snapshot).of(SOURCE)

    sentence = caller_claims.sentence(snapshot, pbx_ids, calls)

    assert golden("checks.claims_to_be.only_marks_say") == sentence
