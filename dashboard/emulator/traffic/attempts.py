"""Random call attempts of a caller, drawn before the admission rule is applied."""

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
"""Name of the mix of zones that inbound calls come from."""
PORTS = (5060, 5061, 1024, 5080)
WITH_PORT = 0.3
"""Share of source addresses with a port; the carrier's real share is unknown."""
TRY_AGAIN = 0.3
"""Probability that a PBX retries a rejected call, at each attempt."""
WAIT_S, JITTER_S = 20, 15
"""Seconds between two attempts: fixed part, and maximum of the random part."""
FAVORITE = 2.0
"""Exponent applied to a uniform draw, so that some numbers are called more often than others."""

_ANSWERED = np.array([ending.result == ANSWERED for ending in ENDINGS])


@dataclass(frozen=True)
class Attempts:
    """Call attempts as arrays of equal length, one element per attempt."""

    at_s: Ints
    """Start in seconds since 1970 (UTC)."""
    inbound: Flags
    theirs: Ints
    """Number at the far end: the called number, or the calling one if inbound."""
    ours: Ints
    """Index into the caller's ``caller_ids``, or into its ``lines`` if inbound."""
    zone: Ints
    """Zone of the far end, as an index into the sample's zones."""
    ending: Ints
    """Index into ``ENDINGS``; applies only if the call is admitted."""
    talk_s: Ints
    port: Ints
    """Port after the source address; 0 for none."""

    def __len__(self) -> int:
        return len(self.at_s)

    def take(self, selection: Ints | Flags) -> Attempts:
        """Return the attempts selected by an index or mask array, in its order."""
        return Attempts(**{field.name: getattr(self, field.name)[selection] for field in fields(self)})

    def moved_to(self, at_s: Ints) -> Attempts:
        """Return the same attempts with other start times."""
        return replace(self, at_s=at_s)

    def ended_by(self, last_s: int) -> Attempts:
        """Return the attempts with talk times cut off at ``last_s``."""
        return replace(self, talk_s=np.minimum(self.talk_s, last_s - self.at_s))


def draw(
    caller: Caller, zones: Sequence[Zone], at_s: Ints, talk: Talk, rng: np.random.Generator, lines: int
) -> Attempts:
    """
    Draw a random call attempt of a caller for each start time.

    Args:
        caller: Caller of outbound calls, and called party of inbound ones.
        zones: Zones of the sample.
        at_s: Start times in seconds since 1970 (UTC).
        talk: Distribution of talk times of answered calls.
        rng: Generator for all draws; the number of draws depends only on the number of attempts.
        lines: Number of the caller's lines, from the first, that are called; 0 drops its inbound calls.
    """
    count = len(at_s)
    inbound: Flags = rng.random(count) < caller.inbound_share
    draws = rng.random(count)
    zone = np.where(inbound, pick(_shares(zones, INBOUND), draws), pick(_shares(zones, caller.mix), draws))
    draws = rng.random(count)
    outward = [ending.premium if caller.mix == PREMIUM else ending.outbound for ending in ENDINGS]
    ending = np.where(inbound, pick([ending.inbound for ending in ENDINGS], draws), pick(outward, draws))
    lengths = np.exp(np.log(talk.median_s) + talk.log_sigma * rng.standard_normal(count))
    if caller.mix == PREMIUM:
        lengths = rng.integers(*talk.premium_s, size=count).astype(np.float64)
    talk_s = np.clip(lengths, 1, talk.longest_s).astype(np.int64) * _ANSWERED[ending]
    port = np.array(PORTS)[rng.integers(len(PORTS), size=count)] * (rng.random(count) < WITH_PORT)
    remote_numbers = _numbers(tuple(zone.prefixes for zone in zones), zone, rng)
    choices = np.where(inbound, lines, len(caller.caller_ids))
    line_indexes = (choices * rng.random(count) ** FAVORITE).astype(np.int64)
    attempts = Attempts(at_s, inbound, remote_numbers, line_indexes, zone, ending, talk_s, port)
    return attempts if lines else attempts.take(~inbound)


def draw_retries(refused: Attempts, rng: np.random.Generator) -> Attempts:
    """Return random retries of rejected attempts: the same calls, later each time."""
    retry_counts = rng.geometric(1 - TRY_AGAIN, size=len(refused)) - 1
    repeated = refused.take(np.repeat(np.arange(len(refused)), retry_counts))
    ordinal = np.arange(len(repeated)) - np.repeat(np.cumsum(retry_counts) - retry_counts, retry_counts) + 1
    return repeated.moved_to(repeated.at_s + ordinal * WAIT_S + rng.integers(1, JITTER_S, size=len(repeated)))


def _shares(zones: Sequence[Zone], mix: str) -> list[float]:
    return [zone.shares[mix] for zone in zones]


def _numbers(prefixes: tuple[tuple[str, ...], ...], zone: Ints, rng: np.random.Generator) -> Ints:
    """Draw a number in each zone, some numbers more often than others."""
    first, size, offset, count = _ranges(prefixes)
    range_indexes = offset[zone] + (count[zone] * rng.random(len(zone))).astype(np.int64)
    within: Floats = rng.random(len(zone)) ** FAVORITE
    return first[range_indexes] + (size[range_indexes] * within).astype(np.int64)


@cache
def _ranges(prefixes: tuple[tuple[str, ...], ...]) -> tuple[Ints, Ints, Ints, Ints]:
    """
    Concatenate the fictional number ranges of all zones.

    Returns:
        First number and size of each range; index of the first range and number of ranges of each zone.
    """
    ranges = [
        (int(f"{prefix}0100"), 100) if prefix.startswith("1") else (int(f"{prefix}000"), 1000)
        for zone in prefixes
        for prefix in zone
    ]
    count = np.array([len(zone) for zone in prefixes])
    first, size = np.array(ranges).T
    return first, size, np.cumsum(count) - count, count
