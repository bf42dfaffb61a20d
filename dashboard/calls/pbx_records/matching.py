"""
Which attempts of a PBX the carrier has a record of: same number, same time, each record of the carrier once.

The whole is a pairing of points on a line, within a tolerance, number by number. Taken in order, each attempt gets the
first record that is free and near enough: no other pairing leaves fewer attempts over. That is one pass over arrays;
only where more attempts than records crowd together is it gone through one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

TOLERANCE_S = 60
"""How far begins may lie apart once the clocks are compared: a PBX's record begins before it dials out."""
MOST_SKEW_S = 300
"""A clock that is further off is wrong, or its zone is; then nothing is concluded."""
SAME_TALK_S = 3
"""By so many seconds may the two sides differ in how long one and the same call was talked."""
_APART = np.int64(1) << 36
"""Between the times of two numbers there is more than any tolerance."""


@dataclass(frozen=True)
class Side:
    """Calls of one side."""

    place: Whole
    """The number called, as its place in one list that both sides share."""
    at_s: Whole
    """Begin, in seconds since 1970."""
    talk_s: Whole
    """How long it was talked."""
    answered: Flags

    def only(self, mask: Flags) -> Side:
        """Return the calls of a mask."""
        return Side(self.place[mask], self.at_s[mask], self.talk_s[mask], self.answered[mask])

    def by_answer(self, talk_begins_s: Whole) -> Side:
        """Return the calls with the time of its answer as the begin of each that was answered."""
        return Side(self.place, np.where(self.answered, talk_begins_s, self.at_s), self.talk_s, self.answered)

    def keys(self, ahead_s: int = 0) -> Whole:
        """Return one number a call that orders them, at a clock that is so many seconds ahead."""
        return self.place * _APART + self.at_s + ahead_s


@dataclass(frozen=True)
class Skew:
    """By how many seconds the carrier's clock is ahead of the PBX's, by how many calls, and how far these differ."""

    ahead_s: int = 0
    compared: int = 0
    spread_s: float = float("inf")


def skew(attempts: Side, calls: Side) -> Skew:
    """
    Compare the clocks.

    Answered calls to a number that has as many on both sides are laid side by side, those that were talked for
    different times left out; the median of the differences is not moved by a few wrong pairs.
    """
    mine, theirs = attempts.only(attempts.answered), calls.only(calls.answered)
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
    Find the carrier's record of each attempt.

    Answered calls are paired with answered ones first, then the others, then what is left of both.

    Args:
        attempts: Of one PBX.
        calls: Of the carrier.
        ahead_s: See ``skew``.
        tolerance_s: How far begins may lie apart.

    Returns:
        For each attempt the index of its record, -1 where there is none; no index comes twice.
    """
    found = np.full(len(attempts.at_s), -1, np.int64)
    free = np.ones(len(calls.at_s), np.bool_)
    left, right = attempts.keys(ahead_s), calls.keys()
    for mine, theirs in (
        (attempts.answered, calls.answered),
        (~attempts.answered, ~calls.answered),
        (np.ones_like(attempts.answered), np.ones_like(calls.answered)),
    ):
        open_ones, free_ones = np.flatnonzero(mine & (found < 0)), np.flatnonzero(theirs & free)
        open_ones = open_ones[np.argsort(left[open_ones], kind="stable")]
        free_ones = free_ones[np.argsort(right[free_ones], kind="stable")]
        places = _in_order(left[open_ones], right[free_ones], tolerance_s)
        taken = places >= 0
        found[open_ones[taken]] = free_ones[places[taken]]
        free[found[open_ones[taken]]] = False
    return found


def _in_order(left: Whole, right: Whole, tolerance: int) -> Whole:
    """Pair two sorted lists, as many as can be; return for each of the first its index in the second, or -1."""
    low = np.searchsorted(right, left - tolerance, "left")
    high = np.searchsorted(right, left + tolerance, "right")
    result = np.full(len(left), -1, np.int64)
    some = np.flatnonzero(low < high)
    if not len(some):
        return result
    low, high, steps = low[some], high[some], np.arange(len(some))
    place = steps + np.maximum.accumulate(low - steps)
    result[some] = place
    begins = np.flatnonzero(place == low)
    ends = np.append(begins[1:], len(some))
    crowded = np.unique(np.searchsorted(begins, np.flatnonzero(place >= high), "right") - 1)
    for first, last in zip(begins[crowded].tolist(), ends[crowded].tolist(), strict=True):
        result[some[first:last]] = _one_by_one(low[first:last].tolist(), high[first:last].tolist())
    return result


def _one_by_one(low: list[int], high: list[int]) -> Whole:
    """Give each in turn the first that is free and not too late; it stays without one where that is too late."""
    found, next_free = [], low[0]
    for begin, end in zip(low, high, strict=True):
        at = max(begin, next_free)
        found.append(at if at < end else -1)
        next_free = at + 1 if at < end else next_free
    return np.array(found, np.int64)
