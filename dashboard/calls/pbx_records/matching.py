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
    mine = attempts.only(attempts.answered)
    theirs = calls.only(calls.answered)
    most = int(max(mine.place.max(initial=-1), theirs.place.max(initial=-1))) + 1
    counts = [np.bincount(side.place, minlength=most) for side in (mine, theirs)]
    alike = (counts[0] == counts[1]) & (counts[0] > 0)
    mine, theirs = (_ordered(side.only(alike[side.place])) for side in (mine, theirs))
    apart = (theirs.at_s - mine.at_s)[np.abs(mine.talk_s - theirs.talk_s) <= SAME_TALK_S]
    if not len(apart):
        return Skew()
    middle = float(np.median(apart))
    return Skew(round(middle), len(apart), float(np.median(np.abs(apart - middle))))


def _ordered(side: Side) -> Side:
    order = np.argsort(side.keys(), kind="stable")
    return Side(side.place[order], side.at_s[order], side.talk_s[order], side.answered[order])


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
    found = np.full(len(attempts.at_s), -1, np.int64)
    free = np.ones(len(calls.at_s), np.bool_)
    left = attempts.keys(ahead_s)
    right = calls.keys()
    for mine, theirs in (
        (attempts.answered, calls.answered),
        (~attempts.answered, ~calls.answered),
        (np.ones_like(attempts.answered), np.ones_like(calls.answered)),
    ):
        open_ones = np.flatnonzero(mine & (found < 0))
        free_ones = np.flatnonzero(theirs & free)
        open_ones = open_ones[_order(attempts.only(open_ones), left[open_ones])]
        free_ones = free_ones[_order(calls.only(free_ones), right[free_ones])]
        places = _in_order(left[open_ones], right[free_ones], tolerance_s)
        taken = places >= 0
        found[open_ones[taken]] = free_ones[places[taken]]
        free[found[open_ones[taken]]] = False
    return found


def _order(side: Side, keys: Whole) -> Whole:
    """Return the order by key, and of calls with one key by answer and talk time."""
    return np.lexsort((side.talk_s, side.answered, keys))


def _in_order(left: Whole, right: Whole, tolerance: int) -> Whole:
    """Pair two sorted lists, as many as possible; return for each of the first its index in the second, or -1."""
    low = np.searchsorted(right, left - tolerance, "left")
    high = np.searchsorted(right, left + tolerance, "right")
    result = np.full(len(left), -1, np.int64)
    some = np.flatnonzero(low < high)
    if not len(some):
        return result
    low = low[some]
    high = high[some]
    steps = np.arange(len(some))
    place = steps + np.maximum.accumulate(low - steps)
    result[some] = place
    begins = np.flatnonzero(place == low)
    ends = np.append(begins[1:], len(some))
    crowded = np.unique(np.searchsorted(begins, np.flatnonzero(place >= high), "right") - 1)
    for first, last in zip(begins[crowded].tolist(), ends[crowded].tolist(), strict=True):
        result[some[first:last]] = _one_by_one(low[first:last].tolist(), high[first:last].tolist())
    return result


def _one_by_one(low: list[int], high: list[int]) -> Whole:
    """Return for each attempt, in order, the earliest free record within the tolerance, else -1."""
    found = []
    next_free = low[0]
    for begin, end in zip(low, high, strict=True):
        at = max(begin, next_free)
        found.append(at if at < end else -1)
        next_free = at + 1 if at < end else next_free
    return np.array(found, np.int64)
