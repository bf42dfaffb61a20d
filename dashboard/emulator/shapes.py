"""
Shapes of the emulated traffic: when people call, where to, for how long, and how it ends.

The figures are made up to look like an office's telephones; nothing is derived from a real account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.emulator.sample import Caller, Zone

WEEKEND = 5
FLOOR = 0.02
"""Share of the busiest hour at which a line is used at any time: nobody's telephones are ever all still."""

HOURS: dict[str, tuple[tuple[int, float], ...]] = {
    "office": (
        (8, 0.5),
        (9, 0.9),
        (10, 1.0),
        (11, 1.0),
        (12, 0.6),
        (13, 0.8),
        (14, 1.0),
        (15, 0.9),
        (16, 0.8),
        (17, 0.4),
    ),
    "support": tuple((hour, 1.0 if hour in range(9, 18) else 0.5) for hour in range(6, 23)),
    "store": tuple((hour, 0.8) for hour in range(10, 21)),
    "warehouse": tuple((hour, 1.0) for hour in range(5, 16)),
    "night": tuple((hour, 1.0) for hour in (0, 1, 2, 3, 4)),
}
WEEKEND_SHARE = {"office": 0.12, "support": 0.55, "store": 1.2, "warehouse": 0.35, "night": 1.0}


@dataclass(frozen=True)
class Ending:
    """How an admitted call ends, as the CDR tells it."""

    share: float
    result: str
    code: int
    reason: str


ENDINGS = (
    Ending(0.705, "completed", 200, "OK"),
    Ending(0.085, "failed", 486, "Busy Here"),
    Ending(0.075, "failed", 480, "Temporarily Unavailable"),
    Ending(0.085, "cancelled", 487, "Request Terminated"),
    Ending(0.032, "failed", 404, "Not Found"),
    Ending(0.006, "failed", 484, "Address Incomplete"),
    Ending(0.007, "failed", 503, "Service Unavailable"),
    Ending(0.003, "failed", 403, "Forbidden"),
    Ending(0.002, "failed", 488, "Not Acceptable Here"),
)
SHARES = np.cumsum([ending.share for ending in ENDINGS])
TALK_LOG_MEAN, TALK_LOG_SIGMA = 4.6, 1.05
"""Natural logs of seconds: half of the calls last under 100 s, one in a hundred over 19 minutes."""
PREMIUM_S = (300, 620)
"""Somebody who sells minutes keeps the line open."""


@cache
def _zone_info(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def intensity(caller: Caller, at: datetime) -> float:
    """Return how busy a caller is in the hour of that instant, 1 at its busiest."""
    local = at.astimezone(_zone_info(caller.timezone))
    share = dict(HOURS[caller.hours]).get(local.hour, 0.0)
    if caller.hours == "night":
        return share
    return max(FLOOR, share * (WEEKEND_SHARE[caller.hours] if local.weekday() >= WEEKEND else 1.0))


def starts(caller: Caller, start: datetime, end: datetime, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw so many starts in [start, end) by the caller's hours, as whole seconds since ``start``."""
    length = int((end - start).total_seconds())
    hours = np.arange(0, length, 3600)
    weights = np.array([intensity(caller, start + timedelta(seconds=int(hour))) for hour in hours])
    weights *= np.minimum(3600, length - hours)
    if not weights.sum():
        return np.array([], dtype=np.int64)
    chosen = rng.choice(hours, size=count, p=weights / weights.sum())
    seconds: np.ndarray = chosen + (rng.random(count) * np.minimum(3600, length - chosen)).astype(np.int64)
    return seconds


def talk_s(caller: Caller, rng: np.random.Generator, *, longest: int = 7200) -> int:
    """Draw a talk time in whole seconds."""
    if caller.mix == "premium":
        return int(rng.integers(*PREMIUM_S))
    return int(min(longest, max(1, rng.lognormal(TALK_LOG_MEAN, TALK_LOG_SIGMA))))


def destination(caller: Caller, zones: list[Zone], rng: np.random.Generator) -> tuple[Zone, str]:
    """Draw where a call goes: numbers of ranges kept for fiction."""
    shares = np.cumsum([zone.shares.get(caller.mix, 0.0) for zone in zones])
    zone = zones[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))]
    prefix = zone.prefixes[int(rng.integers(len(zone.prefixes)))]
    tail = f"01{int(rng.integers(100)):02d}" if prefix.startswith("1") else f"{int(rng.integers(1000)):03d}"
    return zone, prefix + tail


def money(value: Decimal) -> str:
    """Write an amount as the export does: eight decimals."""
    return f"{value:.8f}"
