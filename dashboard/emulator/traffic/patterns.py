"""
Distributions of the emulated traffic: call times, talk times and call results.

The figures are invented to resemble office telephones; none is derived from a real account.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from dashboard.emulator.traffic.sample import Caller

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

HOUR_S = 3600
DAY_S = 24 * HOUR_S
SATURDAY = 5
STILL = 0.03
"""Minimum activity of a PBX at any time, as a share of its busiest hour."""
NIGHTS = 5
"""Number of past nights with calls of callers that call only at night."""

HOURS: dict[str, dict[int, float]] = {
    "office": {8: 0.5, 9: 0.9, 10: 1.0, 11: 1.0, 12: 0.6, 13: 0.8, 14: 1.0, 15: 0.9, 16: 0.8, 17: 0.4},
    "support": {hour: 1.0 if hour in range(9, 18) else 0.5 for hour in range(6, 23)},
    "store": dict.fromkeys(range(10, 21), 0.8),
    "warehouse": dict.fromkeys(range(5, 16), 1.0),
    "night": dict.fromkeys(range(5), 1.0),
}
"""Activity of each local hour of a weekday, by pattern; about 1 in the busiest hour."""
WEEKEND = {"office": 0.12, "support": 0.55, "store": 1.2, "warehouse": 0.35, "night": 1.0}
"""Activity of a weekend day relative to a weekday, by pattern."""


@dataclass(frozen=True)
class Ending:
    """Result of an admitted call in the CDR, and its share in percent of each kind of call."""

    result: str
    code: int
    reason: str
    outbound: float
    inbound: float = 0.0
    premium: float = 0.0


ANSWERED = "completed"
ENDINGS = (
    Ending(ANSWERED, 200, "OK", 70.5, 90.0, 95.0),
    Ending("failed", 486, "Busy Here", 8.5, 2.0),
    Ending("failed", 480, "Temporarily Unavailable", 7.5),
    Ending("cancelled", 487, "Request Terminated", 8.5, 8.0, 4.0),
    Ending("failed", 404, "Not Found", 3.2),
    Ending("failed", 484, "Address Incomplete", 0.6),
    Ending("failed", 503, "Service Unavailable", 0.7, 0.0, 1.0),
    Ending("failed", 403, "Forbidden", 0.3),
    Ending("failed", 488, "Not Acceptable Here", 0.2),
)
"""Results of admitted calls.

The 403 is unrelated to the allow list, e.g. a barred destination. The lines of premium numbers always answer.
"""


@dataclass(frozen=True)
class Talk:
    """Talk times of answered calls, in seconds."""

    median_s: float
    log_sigma: float
    longest_s: int
    premium_s: tuple[int, int]
    """Range [from, to) for premium numbers, whose operators keep calls connected to earn minutes."""


OFFICE_TALK = Talk(100, 1.05, 7200, (360, 560))
"""Talk times of the history; one call in a hundred is longer than 19 minutes."""
LIVE_TALK = Talk(9, 0.7, 40, (20, 40))
"""Talk times of live calls; short, so that operators see them end."""


def pick(shares: Sequence[float], draws: Floats) -> Ints:
    """
    Choose at random by weight.

    Args:
        shares: Weights of the choices, in any unit, not all 0.
        draws: Uniform draws in [0, 1).

    Returns:
        An index into ``shares`` for each draw.
    """
    bounds = np.cumsum(shares)
    indexes: Ints = np.searchsorted(bounds, draws * bounds[-1], side="right").astype(np.int64)
    return indexes


def intensity(caller: Caller, at_s: int) -> float:
    """Return a caller's activity in the hour of a time in seconds since 1970 (UTC); about 1 in its busiest hour."""
    local = datetime.fromtimestamp(at_s, UTC).astimezone(_zone_info(caller.timezone))
    share = HOURS[caller.hours].get(local.hour, 0.0)
    if caller.nightly:
        return 0.0 if caller.has_ended(at_s) else share
    return max(STILL, share * (WEEKEND[caller.hours] if local.weekday() >= SATURDAY else 1.0))


@cache
def _zone_info(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True)
class Hours:
    """Clock hours of a time span: bin n is [begin_s[n], end_s[n]) in seconds since 1970 (UTC)."""

    begin_s: Ints
    end_s: Ints

    @classmethod
    def between(cls, first_s: int, last_s: int) -> Hours:
        """Split [first_s, last_s) at every full hour."""
        edges = np.arange(first_s - first_s % HOUR_S, last_s, HOUR_S, dtype=np.int64)
        return cls(np.maximum(edges, first_s), np.minimum(edges + HOUR_S, last_s))

    def spread(self, caller: Caller, calls: float, rng: np.random.Generator) -> Ints:
        """
        Distribute a caller's calls over the hours.

        Args:
            caller: Caller, with its time zone; a caller with ``nightly`` ignores ``calls``.
            calls: Total number of calls.
            rng: Random generator.

        Returns:
            Number of calls that start in each hour.
        """
        busy = np.array([intensity(caller, int(begin)) for begin in self.begin_s])
        busy *= (self.end_s - self.begin_s) / HOUR_S
        if caller.nightly:
            until = caller.addresses[-1].valid_to
            last_s = float(self.end_s.max(initial=0)) if until is None else until.timestamp()
            late = self.end_s > last_s - NIGHTS * DAY_S
            even: Ints = np.rint(late * busy * caller.nightly / len(HOURS[caller.hours])).astype(np.int64)
            return even
        whole = float(busy.sum())
        return rng.multinomial(round(calls), busy / whole) if whole else np.zeros(len(busy), dtype=np.int64)

    def draw(self, counts: Ints, rng: np.random.Generator) -> Ints:
        """Return random start times, ``counts[n]`` in hour n, in seconds since 1970 (UTC) and ascending order."""
        begin = np.repeat(self.begin_s, counts)
        length = np.repeat(self.end_s - self.begin_s, counts)
        starts: Ints = np.sort(begin + (rng.random(len(begin)) * length).astype(np.int64))
        return starts

    def of(self, caller: Caller) -> Hours:
        """Return these hours, cut off at the end of a caller with ``nightly``; hours after that end have no calls."""
        until = caller.addresses[-1].valid_to if caller.nightly else None
        return self if until is None else Hours(self.begin_s, np.minimum(self.end_s, math.floor(until.timestamp())))

    def part(self, selection: slice) -> Hours:
        """Return a slice of the hours."""
        return Hours(self.begin_s[selection], self.end_s[selection])
