"""Proof of admission or refusal by each outcome, alone and under the policy of its time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard import schemas
from dashboard.calls.replay.refusals import admission_proofs, is_judged_as_now, refused
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from tests.builders import NOW, calls_row, frame

LISTED = "198.51.100.11"
UNLISTED = "198.51.100.40"
OFF_AT = NOW - timedelta(hours=3)
VERSIONS = (
    PolicyVersion(Policy(frozenset({LISTED}), credentials_on=True), NOW - timedelta(days=60)),
    PolicyVersion(Policy(frozenset({LISTED}), credentials_on=False), OFF_AT),
)
LATER = OFF_AT + timedelta(seconds=1)
EARLIER = OFF_AT - timedelta(hours=1)


OBSERVED = Observations(no_path_status=403)


@pytest.mark.parametrize(
    ("call", "proven"),
    [
        ({"outcome": "answered"}, "admission"),
        ({"outcome": "busy_or_no_answer", "sip_status": 486}, "admission"),
        ({"outcome": "gave_up", "sip_status": 487}, "admission"),
        ({"outcome": "other", "sip_status": None}, "nothing"),
        ({"outcome": "network", "sip_status": 503}, "nothing"),
        ({"outcome": "bad_number", "sip_status": 404}, "nothing"),
        ({"outcome": "media", "sip_status": 488}, "nothing"),
        ({"outcome": "refused_auth", "at": EARLIER}, "refusal"),
        ({"outcome": "refused_unknown", "at": LATER}, "refusal"),
        ({"outcome": "refused_unknown", "at": EARLIER}, "nothing"),
        ({"outcome": "refused_unknown", "at": OFF_AT}, "nothing"),
        ({"outcome": "refused_unknown", "at": LATER, "source_ip": LISTED}, "refusal"),
        ({"outcome": "refused_unknown", "at": LATER, "source_ip": ""}, "refusal"),
    ],
)
def test_outcome_proof_is_admission_refusal_or_neither(call: dict[str, Any], proven: str) -> None:
    """
    Each outcome proves admission, refusal, or neither.

    With credentials off, the observed status of a call without a path proves refusal; before, it proves nothing.
    """
    rows = frame(schemas.TRAFFIC, [calls_row(**{"source_ip": UNLISTED, "sip_status": 403} | call), calls_row(LISTED)])

    assert [proven, "admission"] == admission_proofs(rows, VERSIONS, OBSERVED).tolist()
    assert [proven == "refusal", False] == refused(rows, VERSIONS, OBSERVED).tolist()


@pytest.mark.parametrize(("source", "proven"), [(UNLISTED, "refusal"), (LISTED, "nothing")])
def test_another_observed_code_proves_refusal_of_an_unlisted_source_only(source: str, proven: str) -> None:
    """The observed status proves refusal only of an unlisted source; for a listed one the far end may send it."""
    rows = frame(schemas.TRAFFIC, [calls_row(source, outcome="network", sip_status=503, at=LATER)])

    assert [proven] == admission_proofs(rows, VERSIONS, Observations(no_path_status=503)).tolist()


def test_without_an_observed_code_only_the_answer_proves_a_refusal() -> None:
    """Without an observation or a policy on record, a 403 that does not name the ACL proves nothing."""
    rows = frame(
        schemas.TRAFFIC, [calls_row(UNLISTED, outcome="refused_auth"), calls_row(UNLISTED, outcome="refused_unknown")]
    )

    assert [True, False] == refused(rows, (), OBSERVED).tolist()
    assert [True, False] == refused(rows, VERSIONS, Observations()).tolist()
    assert refused(rows.iloc[:0], (), OBSERVED).empty


def test_calls_prove_facts_of_today_only_without_changes() -> None:
    """
    Calls prove facts of today only if nothing changed for their source.

    With the switch off and on again, refusals in between prove nothing about today, but earlier calls do.
    """
    on = Policy(frozenset({LISTED}), credentials_on=True)
    versions = (*VERSIONS, PolicyVersion(on, NOW - timedelta(hours=1)))
    times = [EARLIER, LATER, NOW - timedelta(minutes=1), NOW - timedelta(hours=1)]
    rows = frame(schemas.TRAFFIC, [calls_row(UNLISTED, at=at) for at in times])

    assert [True, False, True, False] == is_judged_as_now(rows, versions).tolist()
    assert 4 * [True] == is_judged_as_now(rows, ()).tolist()
