"""Attempts to call, as their callers mean them: drawn before anybody decides on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from dashboard.emulator.traffic.patterns import ANSWERED, ENDINGS, Floats, Ints, Talk, pick
from dashboard.emulator.traffic.sample import Caller, Zone

Flags = npt.NDArray[np.bool_]

PREMIUM = "premium"
INBOUND = "inbound"
"""The mix of zones that inbound calls come from."""
PORTS = (5060, 5061, 1024, 5080)
WITH_PORT = 0.3
"""The carrier writes a port behind some addresses; how many is not known."""
TRY_AGAIN = 0.3
"""How often a PBX tries a refused call once more, each time."""
WAIT_S, JITTER_S = 20, 15
"""Between two tries: so long, and up to so much more."""
FAVORITE = 2.0
"""Some numbers are called more than others: the power that a uniform draw is raised to."""

_ANSWERED = np.array([ending.result == ANSWERED for ending in ENDINGS])


@dataclass(frozen=True)
class Attempts:
    """Arrays of one length, a place for each attempt."""

    at_s: Ints
    """Start, seconds since 1970."""
    inbound: Flags
    theirs: Ints
    """The number at the far end: called, or calling."""
    ours: Ints
    """Place in the caller's ``caller_ids``, inbound in its ``lines``."""
    zone: Ints
    """Of the far end, place among the sample's zones."""
    ending: Ints
    """Place in ``ENDINGS``; counts only when the call is admitted."""
    talk_s: Ints
    port: Ints
    """Behind the source address; 0 for none."""

    def __len__(self) -> int:
        return len(self.at_s)

    def take(self, which: Ints | Flags) -> Attempts:
        """Return some of the attempts, in the order asked for."""
        return Attempts(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    def moved_to(self, at_s: Ints) -> Attempts:
        """Return the same attempts at other times."""
        return replace(self, at_s=at_s)

    def ended_by(self, last_s: int) -> Attempts:
        """Return the attempts with no talk beyond that second."""
        return replace(self, talk_s=np.minimum(self.talk_s, last_s - self.at_s))


def draw(
    caller: Caller, zones: Sequence[Zone], at_s: Ints, talk: Talk, rng: np.random.Generator, lines: int
) -> Attempts:
    """
    Draw what a caller means to do at each of these times.

    Args:
        caller: Who calls, or is called.
        zones: Of the sample.
        at_s: Starts, seconds since 1970.
        talk: How long answered calls last.
        rng: Of every draw; how many draws are made depends on nothing but the number of attempts.
        lines: How many of its lines, from the first, are called. On none, nobody reaches it.
    """
    count = len(at_s)
    inbound: Flags = rng.random(count) < caller.inbound_share
    drawn = rng.random(count)
    zone = np.where(inbound, pick(_shares(zones, INBOUND), drawn), pick(_shares(zones, caller.mix), drawn))
    drawn = rng.random(count)
    outward = [ending.premium if caller.mix == PREMIUM else ending.outbound for ending in ENDINGS]
    ending = np.where(inbound, pick([ending.inbound for ending in ENDINGS], drawn), pick(outward, drawn))
    lengths = np.exp(np.log(talk.median_s) + talk.log_sigma * rng.standard_normal(count))
    if caller.mix == PREMIUM:
        lengths = rng.integers(*talk.premium_s, size=count).astype(np.float64)
    talk_s = np.clip(lengths, 1, talk.longest_s).astype(np.int64) * _ANSWERED[ending]
    port = np.array(PORTS)[rng.integers(len(PORTS), size=count)] * (rng.random(count) < WITH_PORT)
    theirs = _numbers(tuple(zone.prefixes for zone in zones), zone, rng)
    choices = np.where(inbound, lines, len(caller.caller_ids))
    ours = (choices * rng.random(count) ** FAVORITE).astype(np.int64)
    attempts = Attempts(at_s, inbound, theirs, ours, zone, ending, talk_s, port)
    return attempts if lines else attempts.take(~inbound)


def tried_again(refused: Attempts, rng: np.random.Generator) -> Attempts:
    """Return the later tries of attempts that were refused: the same calls, a little later each time."""
    more = rng.geometric(1 - TRY_AGAIN, size=len(refused)) - 1
    again = refused.take(np.repeat(np.arange(len(refused)), more))
    ordinal = np.arange(len(again)) - np.repeat(np.cumsum(more) - more, more) + 1
    return again.moved_to(again.at_s + ordinal * WAIT_S + rng.integers(1, JITTER_S, size=len(again)))


def _shares(zones: Sequence[Zone], mix: str) -> list[float]:
    return [zone.shares[mix] for zone in zones]


def _numbers(prefixes: tuple[tuple[str, ...], ...], zone: Ints, rng: np.random.Generator) -> Ints:
    """Draw a number of each zone, some numbers more often than others."""
    first, size, offset, count = _ranges(prefixes)
    which = offset[zone] + (count[zone] * rng.random(len(zone))).astype(np.int64)
    within: Floats = rng.random(len(zone)) ** FAVORITE
    return first[which] + (size[which] * within).astype(np.int64)


@cache
def _ranges(prefixes: tuple[tuple[str, ...], ...]) -> tuple[Ints, Ints, Ints, Ints]:
    """
    Lay the ranges kept for fiction end to end.

    Returns:
        First number and size of each range; where each zone's ranges begin, and how many they are.
    """
    ranges = [
        (int(f"{prefix}0100"), 100) if prefix.startswith("1") else (int(f"{prefix}000"), 1000)
        for zone in prefixes
        for prefix in zone
    ]
    count = np.array([len(zone) for zone in prefixes])
    first, size = np.array(ranges).T
    return first, size, np.cumsum(count) - count, count
