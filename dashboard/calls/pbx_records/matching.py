"""
Matching of PBX attempts with carrier records: same number, same time, each carrier record used once.

This pairs points on a line within a tolerance, number by number. In order of time, each attempt is assigned the first
free record within the tolerance: no other pairing leaves fewer attempts unmatched. One pass over arrays does this; only
stretches with more attempts than records are processed one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

TOLERANCE_S = 60
"""Maximum difference of start times after skew correction: a PBX's record starts before it dials out."""
MOST_SKEW_S = 300
"""Maximum clock skew; beyond it the clock or its zone is wrong, and nothing is concluded."""
SAME_TALK_S = 3
"""Maximum difference in talk time, in seconds, between the two sides for the same call."""
_APART = np.int64(1) << 36
"""Offset between the times of two numbers, greater than any tolerance."""


@dataclass(frozen=True)
class Side:
    """Calls of one side."""

    place: Whole
    """Number called, as an index into a list shared by both sides."""
    at_s: Whole
    """Start, in seconds since 1970."""
    talk_s: Whole
    """Talk time in seconds."""
    answered: Flags

    def only(self, mask: Flags | Whole) -> Side:
        """Return the calls selected by a mask or by their indexes."""
        return Side(self.place[mask], self.at_s[mask], self.talk_s[mask], self.answered[mask])

    def by_answer(self, talk_begins_s: Whole) -> Side:
        """Return the calls with the answer time as the start of each answered call."""
        return Side(self.place, np.where(self.answered, talk_begins_s, self.at_s), self.talk_s, self.answered)

    def keys(self, ahead_s: int = 0) -> Whole:
        """Return a sort key of each call, with its clock moved ahead by ``ahead_s`` seconds."""
        return self.place * _APART + self.at_s + ahead_s


@dataclass(frozen=True)
class Skew:
    """Seconds by which the carrier's clock is ahead of the PBX's, the number of calls compared, and their spread."""

    ahead_s: int = 0
    compared: int = 0
    spread_s: float = float("inf")


def skew(attempts: Side, calls: Side) -> Skew:
    """
    Return the clock skew.

    Answered calls to a number with equally many on both sides are paired in order; pairs with different talk times are
    left out. A few wrong pairs do not move the median of the differences.
    """
    pbx_calls = attempts.only(attempts.answered)
    carrier_calls = calls.only(calls.answered)
    most = int(max(pbx_calls.place.max(initial=-1), carrier_calls.place.max(initial=-1))) + 1
    counts = [np.bincount(calls_of_side.place, minlength=most) for calls_of_side in (pbx_calls, carrier_calls)]
    alike = (counts[0] == counts[1]) & (counts[0] > 0)
    pbx_calls, carrier_calls = (
        _ordered(calls_of_side.only(alike[calls_of_side.place])) for calls_of_side in (pbx_calls, carrier_calls)
    )
    differences = (carrier_calls.at_s - pbx_calls.at_s)[np.abs(pbx_calls.talk_s - carrier_calls.talk_s) <= SAME_TALK_S]
    if not len(differences):
        return Skew()
    middle = float(np.median(differences))
    return Skew(round(middle), len(differences), float(np.median(np.abs(differences - middle))))


def _ordered(calls: Side) -> Side:
    order = np.argsort(calls.keys(), kind="stable")
    return Side(calls.place[order], calls.at_s[order], calls.talk_s[order], calls.answered[order])


def pair(attempts: Side, calls: Side, *, ahead_s: int, tolerance_s: int = TOLERANCE_S) -> Whole:
    """
    Match each attempt with a carrier record.

    Answered calls are paired with answered ones first, then unanswered with unanswered, then the remaining calls of
    both.

    Args:
        attempts: Attempts of one PBX.
        calls: The carrier's calls.
        ahead_s: Clock skew; see ``skew``.
        tolerance_s: Maximum difference of start times in seconds.

    Returns:
        Index of the record of each attempt, -1 without a record; each index occurs at most once.
    """
    record_of = np.full(len(attempts.at_s), -1, np.int64)
    free = np.ones(len(calls.at_s), np.bool_)
    attempt_keys = attempts.keys(ahead_s)
    right = calls.keys()
    for attempt_mask, call_mask in (
        (attempts.answered, calls.answered),
        (~attempts.answered, ~calls.answered),
        (np.ones_like(attempts.answered), np.ones_like(calls.answered)),
    ):
        open_ones = np.flatnonzero(attempt_mask & (record_of < 0))
        free_ones = np.flatnonzero(call_mask & free)
        open_ones = open_ones[_order(attempts.only(open_ones), attempt_keys[open_ones])]
        free_ones = free_ones[_order(calls.only(free_ones), right[free_ones])]
        positions = _in_order(attempt_keys[open_ones], right[free_ones], tolerance_s)
        is_paired = positions >= 0
        record_of[open_ones[is_paired]] = free_ones[positions[is_paired]]
        free[record_of[open_ones[is_paired]]] = False
    return record_of


def _order(calls: Side, keys: Whole) -> Whole:
    """Return the order by key, and of calls with one key by answer and talk time."""
    return np.lexsort((calls.talk_s, calls.answered, keys))


def _in_order(first_keys: Whole, right: Whole, tolerance: int) -> Whole:
    """Pair two sorted lists, as many as possible; return for each of the first its index in the second, or -1."""
    low = np.searchsorted(right, first_keys - tolerance, "left")
    high = np.searchsorted(right, first_keys + tolerance, "right")
    result = np.full(len(first_keys), -1, np.int64)
    with_candidates = np.flatnonzero(low < high)
    if not len(with_candidates):
        return result
    low = low[with_candidates]
    high = high[with_candidates]
    steps = np.arange(len(with_candidates))
    candidate = steps + np.maximum.accumulate(low - steps)
    result[with_candidates] = candidate
    begins = np.flatnonzero(candidate == low)
    ends = np.append(begins[1:], len(with_candidates))
    crowded = np.unique(np.searchsorted(begins, np.flatnonzero(candidate >= high), "right") - 1)
    for first, last in zip(begins[crowded].tolist(), ends[crowded].tolist(), strict=True):
        result[with_candidates[first:last]] = _match_sequentially(low[first:last].tolist(), high[first:last].tolist())
    return result


def _match_sequentially(low: list[int], high: list[int]) -> Whole:
    """Return for each attempt, in order, the earliest free record within the tolerance, else -1."""
    records = []
    next_free = low[0]
    for begin, end in zip(low, high, strict=True):
        at = max(begin, next_free)
        records.append(at if at < end else -1)
        next_free = at + 1 if at < end else next_free
    return np.array(records, np.int64)
