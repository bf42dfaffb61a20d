"""Matching of attempts to the carrier's records: properties that hold for any calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.calls.pbx_records.matching import TOLERANCE_S, Side, Skew, pair, skew

Call = tuple[int, int, int]
"""Called number, start, seconds of talk time; 0 means not answered."""

CALLS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 900), st.sampled_from([0, 0, 5, 30])), max_size=40)

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def side(calls: Sequence[Call]) -> Side:
    """Return arrays of the calls."""
    place, at_s, talk_s = (np.array([call[n] for call in calls], np.int64) for n in range(3))
    return Side(place, at_s, talk_s, talk_s > 0)


def near(attempt: Call, record: Call, ahead_s: int) -> bool:
    """Return whether a record can belong to an attempt."""
    return attempt[0] == record[0] and abs(attempt[1] + ahead_s - record[1]) <= TOLERANCE_S


def most(attempts: Sequence[Call], records: Sequence[Call], ahead_s: int) -> int:
    """Return the size of the maximum matching by augmenting paths, a slow and simple reference."""
    owner: dict[int, int] = {}

    def found(attempt: int, seen: set[int]) -> bool:
        for record in range(len(records)):
            if record not in seen and near(attempts[attempt], records[record], ahead_s):
                seen.add(record)
                if record not in owner or found(owner[record], seen):
                    owner[record] = attempt
                    return True
        return False

    return sum(found(attempt, set()) for attempt in range(len(attempts)))


@many
@given(CALLS, CALLS, st.integers(-90, 90))
def test_matching_is_one_to_one_and_within_tolerance(attempts: list[Call], records: list[Call], ahead_s: int) -> None:
    """Each attempt has at most one record, with its own number and near its time, and no record is used twice."""
    pairs = [(attempt, record) for attempt, record in enumerate(pair(side(attempts), side(records), ahead_s=ahead_s))]
    used = [record for _, record in pairs if record >= 0]

    assert len(used) == len(set(used))
    assert all(near(attempts[attempt], records[record], ahead_s) for attempt, record in pairs if record >= 0)


@many
@given(CALLS, CALLS)
def test_unmatched_attempts_have_no_free_record_nearby(attempts: list[Call], records: list[Call]) -> None:
    """An attempt without a record has no free record near it."""
    found = pair(side(attempts), side(records), ahead_s=0)
    free = set(range(len(records))) - set(found.tolist())

    assert not [
        (attempt, record)
        for attempt in np.flatnonzero(found < 0).tolist()
        for record in free
        if near(attempts[attempt], records[record], 0)
    ]


@many
@given(CALLS.map(lambda calls: [(n, at, 0) for n, at, _ in calls]), CALLS.map(lambda c: [(n, at, 0) for n, at, _ in c]))
def test_matching_is_maximal(attempts: list[Call], records: list[Call]) -> None:
    """Among calls of one kind, no other matching leaves fewer attempts unmatched."""
    found = pair(side(attempts), side(records), ahead_s=0)

    assert most(attempts, records, 0) == int((found >= 0).sum())


@many
@given(CALLS, st.integers(-200, 200), st.randoms())
def test_complete_records_match_every_attempt(calls: list[Call], ahead_s: int, random: object) -> None:
    """If the carrier has every call, every attempt is matched, whatever the clock offset and the order."""
    records = [(number, at + ahead_s, talk) for number, at, talk in calls]
    random.shuffle(records)  # type: ignore[attr-defined]  # hypothesis passes a random.Random
    told = skew(side(calls), side(records))

    assert (told.ahead_s if told.compared else ahead_s) == ahead_s
    assert (pair(side(calls), side(records), ahead_s=ahead_s) >= 0).all()


@many
@given(CALLS, CALLS, st.randoms())
def test_order_does_not_matter(attempts: list[Call], records: list[Call], random: object) -> None:
    """The same calls in another order leave the same number of equal attempts unmatched."""

    def left(mine: list[Call], theirs: list[Call]) -> list[Call]:
        found = pair(side(mine), side(theirs), ahead_s=0)
        return sorted(mine[at] for at in np.flatnonzero(found < 0))

    shuffled = [list(attempts), list(records)]
    for calls in shuffled:
        random.shuffle(calls)  # type: ignore[attr-defined]  # as above

    assert left(attempts, records) == left(*shuffled)


def test_redial_gets_the_record_of_the_answered_call() -> None:
    """Of a refused attempt and an answered redial, the answered one gets the record and the refused one has none."""
    attempts = [(0, 100, 0), (0, 120, 30)]
    records = [(0, 121, 30)]

    assert [-1, 0] == pair(side(attempts), side(records), ahead_s=0).tolist()


@pytest.mark.parametrize("ahead_s", [0, 41, -25_200])
def test_clock_offset_is_the_median(ahead_s: int) -> None:
    """The clock offset is the median of answered calls; calls with different talk times are not paired."""
    attempts = [(number, 1000 * number, 10 + number) for number in range(9)]
    records = [(number, at + ahead_s, talk) for number, at, talk in attempts]
    records[3] = (3, 9, 13)
    records[4] = (4, 500_000, 14)

    assert (ahead_s, 9) == (skew(side(attempts), side(records)).ahead_s, skew(side(attempts), side(records)).compared)


def test_without_an_answered_call_no_clock_is_compared() -> None:
    """Without answered calls no clock offset is known, and their count is zero."""
    assert Skew() == skew(side([(0, 1, 0)]), side([(0, 1, 0)]))


@pytest.mark.parametrize("reverse", [False, True])
def test_attempts_of_one_second_are_matched_by_talk_time_not_by_order(reverse: bool) -> None:
    """Of two answered attempts and one unanswered record, the longer attempt stays unmatched in either order."""
    attempts = sorted([(2, 0, 5), (2, 0, 30)], reverse=reverse)
    found = pair(side(attempts), side([(2, 0, 0)]), ahead_s=0)

    assert [(2, 0, 30)] == [attempts[at] for at in np.flatnonzero(found < 0)]
