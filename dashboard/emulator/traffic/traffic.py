"""
Calls of the emulated account: its history, and live calls under the current policy.

``admission.admit`` decides every outbound call; this module does not depend on the stories. In the history, each
caller has its own random stream, so that excluding a story does not change the calls of other callers.
"""

from __future__ import annotations

import heapq
import logging
import math
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

import numpy as np

from dashboard.core import addresses
from dashboard.domain.admission import CallFacts, Decision, Observations, Policy, admit
from dashboard.emulator.database import Database
from dashboard.emulator.traffic import patterns
from dashboard.emulator.traffic.attempts import JITTER_S, TRY_AGAIN, WAIT_S, Attempts, draw, draw_retries
from dashboard.emulator.traffic.cdrs import Row, rows
from dashboard.emulator.traffic.patterns import Hours, Ints
from dashboard.emulator.traffic.sample import Address, Caller, Sample

log = logging.getLogger(__name__)

HOURS_A_PART = 24
"""Hours of history generated at a time: memory is needed for the calls of one day only."""
LONGEST_PAUSE_S = 0.25
AFTER_ERROR_S = 0.5


def decide(caller: Caller, address: str, sample: Sample, policy: Policy, observations: Observations) -> Decision:
    """
    Apply the admission rule to an outbound call.

    Args:
        caller: Caller; if it dials a prefix, it dials that of the sample.
        address: Source address.
        sample: Sample with the tech prefix.
        policy: Policy at the start of the call.
        observations: Emulated behavior where the real carrier's is unknown.
    """
    facts = CallFacts(
        dials_prefix=caller.dials_prefix,
        authorized=policy.tech_prefix == sample.tech_prefix and addresses.contains(policy.networks, address),
        credentials_on=policy.credentials_on,
        digest_valid=caller.digest,
    )
    return admit(facts, observations)


def address_indexes(caller: Caller, at_s: Ints) -> Ints:
    """Return the index of the caller's valid address at each time; 0, the oldest, if none is valid."""
    indexes = np.zeros(len(at_s), dtype=np.int64)
    for index, address in enumerate(caller.addresses):
        until = math.inf if address.valid_to is None else address.valid_to.timestamp()
        indexes[(address.valid_from.timestamp() <= at_s) & (at_s < until)] = index
    return indexes


def history(
    sample: Sample,
    *,
    start: datetime,
    end: datetime,
    calls: int,
    seed: int,
    observations: Observations,
    refusals_in_cdrs: bool,
) -> Iterator[Row]:
    """
    Generate the account's history; the same arguments give the same calls.

    Args:
        sample: Callers and policy; in that time the list changed only by removed entries.
        start: Start, inclusive, UTC.
        end: End, exclusive, UTC; no call lasts beyond it.
        calls: Approximate number of calls, to which the weights apply as percentages. Retries of rejected
            calls, and calls of nightly callers, are additional.
        seed: Seed of all random draws.
        observations: Emulated behavior where the real carrier's is unknown.
        refusals_in_cdrs: Whether rejected calls leave a row.

    Yields:
        Values of ``CALL_COLUMNS``, in order of start time.
    """
    networks = frozenset(row["network"] for row in sample.allowed_ips)
    policy = Policy(networks, sample.credentials_enabled, sample.tech_prefix)
    span = Hours.between(math.ceil(start.timestamp()), math.floor(end.timestamp()))
    pasts = [_Past(caller, sample, span, calls, seed, policy, observations) for caller in sample.callers]
    late: list[tuple[int, Row]] = []
    for first in range(0, len(span.begin_s), HOURS_A_PART):
        part = slice(first, first + HOURS_A_PART)
        ends_s = int(span.end_s[part][-1])
        placed = late + [timed_row for past in pasts for timed_row in past.rows(part, refused_too=refusals_in_cdrs)]
        placed.sort(key=lambda timed_row: timed_row[0])
        late = [timed_row for timed_row in placed if timed_row[0] >= ends_s]
        yield from (row for at_s, row in placed if at_s < ends_s)


class _Past:
    """History of one caller in a span of hours."""

    def __init__(
        self,
        caller: Caller,
        sample: Sample,
        span: Hours,
        calls: int,
        seed: int,
        policy: Policy,
        observations: Observations,
    ) -> None:
        self._caller = caller
        self._sample = sample
        self._span = span.of(caller)
        name = zlib.crc32(caller.name.encode())
        self._rng, self._again = (np.random.default_rng([seed, name, stream]) for stream in range(2))
        self._counts = self._span.spread(caller, calls * caller.weight / 100, self._rng)
        self._sources = [address.address for address in caller.addresses]
        self._decisions = [
            decide(caller, address.address, sample, _policy_of(address, sample, policy), observations)
            for address in caller.addresses
        ]
        self._admits = np.array([decision.admitted is True for decision in self._decisions])

    def rows(self, part: slice, *, refused_too: bool) -> Iterator[tuple[int, Row]]:
        """Yield pairs of start time and row for a slice of the hours; retries may start after these hours."""
        starts = self._span.part(part).draw(self._counts[part], self._rng)
        caller = self._caller
        first = draw(caller, self._sample.zones, starts, patterns.OFFICE_TALK, self._rng, caller.reached)
        retries = draw_retries(first.take(self._refused(first)), self._again)
        last_s = int(self._span.end_s[-1])
        for attempts in (first, retries.take(retries.at_s < last_s)):
            recorded = attempts.ended_by(last_s)
            recorded = recorded if refused_too else recorded.take(~self._refused(recorded))
            indexes = address_indexes(caller, recorded.at_s).tolist()
            sources = [self._sources[index] for index in indexes]
            decisions = [self._decisions[index] for index in indexes]
            cdrs = rows(caller, self._sample.zones, recorded, sources, decisions)
            yield from zip(recorded.at_s.tolist(), cdrs, strict=True)

    def _refused(self, attempts: Attempts) -> np.ndarray:
        refused: np.ndarray = ~self._admits[address_indexes(self._caller, attempts.at_s)] & ~attempts.inbound
        return refused


def _policy_of(address: Address, sample: Sample, policy: Policy) -> Policy:
    """Return the policy for calls from a past address: it includes entries that were removed after its end."""
    until = address.valid_to
    later_removed = [
        row["network"] for row in sample.past_allowed_ips if until is not None and until <= row["removed_at"]
    ]
    return replace(policy, networks=policy.networks | set(later_removed))


@dataclass(order=True, frozen=True)
class _Due:
    """Event at a time of ``time.monotonic``: place a call, or write the row of an ended call."""

    at: float
    number: int
    caller: Caller | None = field(default=None, compare=False)
    attempt: Attempts | None = field(default=None, compare=False)
    row: Row = field(default=(), compare=False)


class LiveTraffic:
    """Live calls, each decided under the policy at its start and written when it ends."""

    def __init__(self, database: Database, sample: Sample, calls_per_s: float, seed: int = 0) -> None:
        """
        Initialize the generator; calls start with ``run``.

        Args:
            database: Database of the account.
            sample: Sample with the callers.
            calls_per_s: Average number of calls per second, day and night; retries of rejected calls are additional.
            seed: Seed of all random draws.
        """
        self._database = database
        self._sample = sample
        self._rate = calls_per_s
        self._rng = np.random.default_rng(seed)
        self._agenda: list[_Due] = []
        self._numbers = count()

    def run(self, stop: threading.Event) -> None:
        """
        Place calls until ``stop`` is set; calls that are still active then leave no row.

        If the database cannot be read or written, a warning is logged and the event is retried.
        """
        if self._rate <= 0:
            return
        arrival = time.monotonic()
        while not stop.is_set():
            now = time.monotonic()
            if arrival <= now:
                arrival = now + float(self._rng.exponential(1 / self._rate))
                self._arrive(now)
            while self._agenda and self._agenda[0].at <= now and not stop.is_set():
                event = heapq.heappop(self._agenda)
                try:
                    self._do(event)
                except sqlite3.Error as exc:
                    log.warning("The live traffic could not use the account's database and tries again: %s", exc)
                    heapq.heappush(self._agenda, event)
                    stop.wait(AFTER_ERROR_S)
            pause = min([arrival, *(event.at for event in self._agenda[:1])]) - time.monotonic()
            stop.wait(min(max(pause, 0.0), LONGEST_PAUSE_S))

    def _arrive(self, now: float) -> None:
        at_s = int(time.time())
        shares = live_shares(self._sample, at_s)
        caller = self._sample.callers[int(patterns.pick(shares, self._rng.random(1))[0])]
        attempt = draw(caller, self._sample.zones, np.array([at_s]), patterns.LIVE_TALK, self._rng, len(caller.lines))
        if len(attempt):
            self._put(_Due(now, next(self._numbers), caller, attempt))

    def _do(self, event: _Due) -> None:
        if event.caller is None or event.attempt is None:
            self._database.add_calls([event.row])
            return
        policy, observations, now = self._database.policy_now()
        account = self._database.settings()
        at = now.replace(microsecond=0)
        changed_at = max(account.list_changed_at, account.credentials_changed_at)
        if at < changed_at <= now + timedelta(seconds=1):
            self._put(_Due(time.monotonic() + 1 - now.microsecond / 1e6, event.number, event.caller, event.attempt))
            return
        attempt = event.attempt.moved_to(np.array([int(at.timestamp())]))
        source = event.caller.addresses[int(address_indexes(event.caller, attempt.at_s)[0])].address
        if attempt.inbound[0]:
            host = self._database.host_of(event.caller.lines[int(attempt.ours[0])].number)
            if not host:
                return
            source = host if addresses.is_network(host) else source
        decision = decide(event.caller, source, self._sample, policy, observations)
        admitted = bool(attempt.inbound[0]) or decision.admitted is True
        if not admitted and self._rng.random() < TRY_AGAIN:
            wait = WAIT_S + JITTER_S * self._rng.random()
            self._put(_Due(time.monotonic() + wait, next(self._numbers), event.caller, event.attempt))
        if admitted or account.refusals_in_cdrs:
            (row,) = rows(event.caller, self._sample.zones, attempt, [source], [decision])
            ends = time.monotonic() + (int(attempt.talk_s[0]) if admitted else 0)
            self._put(_Due(ends, next(self._numbers), row=row))

    def _put(self, event: _Due) -> None:
        heapq.heappush(self._agenda, event)


def live_shares(sample: Sample, at_s: int) -> list[float]:
    """Return each caller's share of the calls at a time: its weight; nightly callers follow their hours."""
    return [caller.weight * (patterns.intensity(caller, at_s) if caller.nightly else 1.0) for caller in sample.callers]
