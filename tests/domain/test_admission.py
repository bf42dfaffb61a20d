"""The admission rule compared with its table of cases, and properties of every decision."""

from __future__ import annotations

import csv
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.domain.admission import (
    ACL_REASON,
    CANNOT_TELL,
    CHALLENGE_REASON,
    CallFacts,
    Decision,
    Observations,
    admit,
)

WORDS = {"yes": (True,), "no": (False,), "unknown": (None,), "any": (True, False, None)}
STATUSES = {"any": (401, 403, None), "unknown": (None,)}
FACTS = [field.name for field in fields(CallFacts)]
THREE = st.sampled_from([True, False, None])
FACTS_OF_A_CALL = st.builds(CallFacts, *[THREE] * len(FACTS))
OBSERVATIONS = st.builds(Observations, THREE, st.sampled_from([401, 403, None]))


def cases() -> list[Any]:
    """Return (facts, observations) and the expected decision for every row of the table."""
    with (Path(__file__).parent / "admission_cases.csv").open(newline="") as file:
        return [pytest.param(*read(row), id=row["why"]) for row in csv.DictReader(file)]


def read(row: dict[str, str]) -> tuple[list[tuple[CallFacts, Observations]], Decision]:
    """Expand the row's ``any`` to all values."""
    statuses = STATUSES.get(row["no_path_status"]) or (int(row["no_path_status"]),)
    inputs = [
        (CallFacts(*facts), Observations(rescues, status))
        for *facts, rescues, status in product(
            *(WORDS[row[name]] for name in FACTS), WORDS[row["digest_rescues_prefix"]], statuses
        )
    ]
    (admitted,) = WORDS[row["admitted"]]
    status = int(row["sip_status"]) if row["sip_status"] else None
    return inputs, Decision(admitted, row["by"], status, row["sip_reason"])


def completions(facts: CallFacts) -> list[CallFacts]:
    """Return the facts with each unknown one set to yes and to no."""
    values = [(True, False) if value is None else (value,) for value in (getattr(facts, name) for name in FACTS)]
    return [CallFacts(*ones) for ones in product(*values)]


@pytest.mark.parametrize(("inputs", "expected"), cases())
def test_rule_agrees_with_its_table(inputs: list[tuple[CallFacts, Observations]], expected: Decision) -> None:
    """
    The rule agrees with every row of the design's table.

    This includes both values of undocumented behavior, and unknown facts.
    """
    for facts, observed in inputs:
        assert expected == admit(facts, observed), (facts, observed)


def test_table_decides_every_known_call() -> None:
    """For every combination of known facts, some row of the table decides the call."""
    known = {
        (facts, observed.digest_rescues_prefix)
        for case in cases()
        for facts, observed in case.values[0]
        if None not in (getattr(facts, name) for name in FACTS)
    }

    assert {
        (CallFacts(*values), rescues) for *values, rescues in product(*[(True, False)] * 4, (True, False, None))
    } == known


@given(FACTS_OF_A_CALL, OBSERVATIONS)
def test_partial_facts_decide_only_if_all_completions_agree(facts: CallFacts, observed: Observations) -> None:
    """A call is decided if every completion of its unknown facts agrees, and undecided if they differ."""
    ways = {admit(full, observed) for full in completions(facts)}
    found = admit(facts, observed)

    if len(ways) == 1:
        assert ways == {found}
    elif len({way.admitted for way in ways}) == 1:
        assert (ways.pop().admitted, "", None) == (found.admitted, found.by, found.sip_status)
    else:
        assert found == CANNOT_TELL


@given(FACTS_OF_A_CALL, OBSERVATIONS)
def test_an_observation_never_overturns_a_decision(facts: CallFacts, observed: Observations) -> None:
    """A decision made without observations does not change once the carrier's behavior is observed."""
    before = admit(facts, Observations())
    after = admit(facts, observed)

    assert before.admitted in (None, after.admitted)


@given(FACTS_OF_A_CALL, OBSERVATIONS)
def test_only_an_admitted_call_has_a_way_in_and_only_a_refused_one_a_code(
    facts: CallFacts, observed: Observations
) -> None:
    """``by`` and ``sip_status`` never contradict ``admitted``; reasons are the carrier's own."""
    found = admit(facts, observed)

    assert found.admitted is True or not found.by
    assert found.admitted is False or (found.sip_status, found.sip_reason) == (None, "")
    assert found.sip_reason in ("", ACL_REASON, CHALLENGE_REASON)
