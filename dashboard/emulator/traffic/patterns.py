"""
Shapes of the emulated traffic: when people call, for how long, and how it ends.

The figures are made up to look like an office's telephones; nothing is derived from a real account.
"""

from __future__ import annotations

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
"""Share of its busiest hour at which a PBX is used at any time: no telephones are ever all still."""
NIGHTS = 5
"""Who calls by night only has done so for that long."""

HOURS: dict[str, dict[int, float]] = {
    "office": {8: 0.5, 9: 0.9, 10: 1.0, 11: 1.0, 12: 0.6, 13: 0.8, 14: 1.0, 15: 0.9, 16: 0.8, 17: 0.4},
    "support": {hour: 1.0 if hour in range(9, 18) else 0.5 for hour in range(6, 23)},
    "store": dict.fromkeys(range(10, 21), 0.8),
    "warehouse": dict.fromkeys(range(5, 16), 1.0),
    "night": dict.fromkeys(range(5), 1.0),
}
"""How busy each hour of a local day is, 1 at the busiest."""
WEEKEND = {"office": 0.12, "support": 0.55, "store": 1.2, "warehouse": 0.35, "night": 1.0}
"""A day of the weekend against a weekday."""


@dataclass(frozen=True)
class Ending:
    """How an admitted call ends, as the CDR tells it, and in how many of a hundred calls of each kind."""

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
"""The 403 here does not name the list: a destination that is barred, say. Lines of premium numbers always answer."""


@dataclass(frozen=True)
class Talk:
    """How long answered calls last, in seconds."""

    median_s: float
    log_sigma: float
    longest_s: int
    premium_s: tuple[int, int]
    """Somebody who sells minutes keeps the line open: from, and below."""


OFFICE_TALK = Talk(100, 1.05, 7200, (360, 560))
"""One call in a hundred is over 19 minutes."""
LIVE_TALK = Talk(9, 0.7, 40, (20, 40))
"""Short, so that whoever watches sees live calls end."""


def pick(shares: Sequence[float], drawn: Floats) -> Ints:
    """
    Choose by shares.

    Args:
        shares: Of each choice, in any unit, not all 0.
        drawn: Uniform in [0, 1).

    Returns:
        Places in ``shares``, as many as were drawn.
    """
    bounds = np.cumsum(shares)
    places: Ints = np.searchsorted(bounds, drawn * bounds[-1], side="right").astype(np.int64)
    return places


def intensity(caller: Caller, at_s: int) -> float:
    """Return how busy a caller is in the hour of that instant (seconds since 1970), about 1 at its busiest."""
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
    """Clock hours cut to a span: bin n is [begin_s[n], end_s[n]) in seconds since 1970."""

    begin_s: Ints
    end_s: Ints

    @classmethod
    def between(cls, first_s: int, last_s: int) -> Hours:
        """Cut [first_s, last_s) at every full hour."""
        edges = np.arange(first_s - first_s % HOUR_S, last_s, HOUR_S, dtype=np.int64)
        return cls(np.maximum(edges, first_s), np.minimum(edges + HOUR_S, last_s))

    def spread(self, caller: Caller, calls: float, rng: np.random.Generator) -> Ints:
        """
        Share a caller's calls out to the hours.

        Args:
            caller: By whose clock; one that calls nightly ignores ``calls``.
            calls: In all hours together.
            rng: Of the draw.

        Returns:
            How many calls begin in each hour.
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
        """Return so many starts of each hour, as seconds since 1970 in ascending order."""
        begin = np.repeat(self.begin_s, counts)
        length = np.repeat(self.end_s - self.begin_s, counts)
        starts: Ints = np.sort(begin + (rng.random(len(begin)) * length).astype(np.int64))
        return starts

    def part(self, which: slice) -> Hours:
        """Return some of the hours."""
        return Hours(self.begin_s[which], self.end_s[which])
