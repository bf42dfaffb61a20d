"""
The emulated account's calls: thirty days of history, and live ones under the current policy.

Every outbound call is decided by ``policy.admit``; nothing here knows which story it tells.
"""

from __future__ import annotations

import heapq
import logging
import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from dashboard.emulator import shapes
from dashboard.emulator.database import Database
from dashboard.emulator.sample import Address, Caller, Sample
from dashboard.policy import Decision, Facts, Observations, Policy, admit

log = logging.getLogger(__name__)

STEP_S = 6
"""Billing step, first and later ones (the vendor's sample rows)."""
CCRF = Decimal("0.13045")
"""Carrier cost recovery fee as a share of the subtotal (the same rows, 2019)."""
INBOUND_RATE = Decimal("0.01200000")
REFUSED_RETRIES = 1.6
"""A PBX that is refused tries again: so many attempts for each call it would have placed."""
INTRUDER_NIGHTS = 5
INTRUDER_CALLS = 36
LONGEST_LIVE_S = 45
LIVE_NIGHT_SHARE = 0.06
PORTS = (5060, 5061, 1024, 5080)

Row = tuple[Any, ...]


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
    Make the account's past, the same for the same arguments.

    Args:
        sample: Who calls, and the policy, which did not change in that time.
        start: First instant, UTC.
        end: Exclusive.
        calls: About how many.
        seed: Of every draw.
        observations: How the carrier behaves where that is not known.
        refusals_in_cdrs: Whether refused calls leave a row.

    Yields:
        Values of ``CALL_COLUMNS``, in order of start.
    """
    policy = Policy(
        frozenset(row["network"] for row in sample.allowed_ips), sample.credentials_enabled, sample.tech_prefix
    )
    total = sum(caller.weight for caller in sample.callers) or 1.0
    drawn: list[tuple[int, int, Caller]] = []
    for number, caller in enumerate(sample.callers):
        rng = np.random.default_rng([seed, number])
        refused = [a for a in caller.addresses if not decide(caller, a.address, policy, observations).admitted]
        seconds = _starts(caller, refused, start, end, calls * caller.weight / total, rng)
        drawn.extend((int(second), number, caller) for second in seconds)
    drawn.sort(key=lambda one: one[:2])
    rng = np.random.default_rng([seed, len(sample.callers)])
    for second, _, caller in drawn:
        at = start + timedelta(seconds=second)
        call = place(caller, sample, at, policy, observations, rng)
        if call.admitted or refusals_in_cdrs:
            yield call.row


def _starts(
    caller: Caller,
    refused: list[Address],
    start: datetime,
    end: datetime,
    count: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw a caller's starts; more of them while it is refused, since it tries again."""
    if not caller.weight:
        begin = max(start, end - timedelta(days=INTRUDER_NIGHTS))
        shift = int((begin - start).total_seconds())
        return shapes.starts(caller, begin, end, INTRUDER_CALLS * INTRUDER_NIGHTS, rng) + shift
    seconds = shapes.starts(caller, start, end, int(count), rng)
    again = [
        seconds[(seconds >= (max(a.valid_from, start) - start).total_seconds()) & _before(seconds, a.valid_to, start)]
        for a in refused
    ]
    tries = [rng.choice(part, size=int(len(part) * (REFUSED_RETRIES - 1))) for part in again if len(part)]
    late = [
        np.minimum(part + rng.integers(2, 40, size=len(part)), int((end - start).total_seconds()) - 1) for part in tries
    ]
    return np.concatenate([seconds, *late])


def _before(seconds: np.ndarray, valid_to: datetime | None, start: datetime) -> np.ndarray:
    if valid_to is None:
        return np.ones(len(seconds), dtype=bool)
    before: np.ndarray = seconds < (valid_to - start).total_seconds()
    return before


def decide(caller: Caller, address: str, policy: Policy, observations: Observations) -> Decision:
    """Apply the admission rule to a caller at an address."""
    facts = Facts(
        dials_prefix=caller.dials_prefix,
        authorized=address in policy.networks,
        credentials_on=policy.credentials_on,
        digest_valid=caller.digest,
    )
    return admit(facts, observations)


@dataclass(frozen=True)
class Placed:
    """A call that was placed: its row, when it ends, and whether it was let in."""

    row: Row
    ends_at: datetime
    admitted: bool


def place(
    caller: Caller,
    sample: Sample,
    at: datetime,
    policy: Policy,
    observations: Observations,
    rng: np.random.Generator,
    *,
    longest: int = 7200,
) -> Placed:
    """
    Place one call at that instant, inbound or outbound by the caller's share.

    Args:
        caller: Who calls, or is called.
        sample: For the zones.
        at: Start, UTC; the row keeps whole seconds.
        policy: In force at ``at``.
        observations: How the carrier behaves where that is not known.
        rng: Of every draw.
        longest: Most seconds of talk.
    """
    address = caller.address_at(at)
    if rng.random() < caller.inbound_share:
        return _inbound(caller, address, at, rng, longest)
    zone, number = shapes.destination(caller, sample.zones, rng)
    own = caller.caller_ids[int(rng.integers(len(caller.caller_ids)))]
    decision = decide(caller, address, policy, observations)
    if decision.admitted is not True:
        result, code, reason, talk = "failed", decision.sip_status or 403, decision.sip_reason or "Forbidden", 0
    else:
        ending = shapes.ENDINGS[int(np.searchsorted(shapes.SHARES, rng.random() * shapes.SHARES[-1], side="right"))]
        result, code, reason = ending.result, ending.code, ending.reason
        talk = shapes.talk_s(caller, rng, longest=longest) if result == "completed" else 0
    row = _row(
        direction="Outbound",
        at=at,
        talk=talk,
        destination=number,
        caller_id=f"+{own}",
        alias="",
        zone=zone.name,
        country="N/A",
        line="",
        ending=(result, code, reason),
        rate=Decimal(zone.rate_usd_per_min),
        x_tag=caller.x_tag,
        address=_customer_ip(address, rng),
    )
    return Placed(row, at + timedelta(seconds=talk), decision.admitted is True)


def _inbound(caller: Caller, address: str, at: datetime, rng: np.random.Generator, longest: int) -> Placed:
    called = caller.caller_ids[int(rng.integers(len(caller.caller_ids)))]
    answered = rng.random() < 0.9  # noqa: PLR2004 - nine of ten inbound calls are answered
    talk = shapes.talk_s(caller, rng, longest=longest) if answered else 0
    row = _row(
        direction="Inbound",
        at=at,
        talk=talk,
        destination=called,
        caller_id=f"+1{int(rng.integers(202, 989))}55501{int(rng.integers(100)):02d}",
        alias=called,
        zone="UNITED STATES",
        country="UNITED STATES",
        line="0",
        ending=("completed", 200, "OK") if answered else ("cancelled", 487, "Request Terminated"),
        rate=INBOUND_RATE,
        x_tag="",
        address=_customer_ip(address, rng),
    )
    return Placed(row, at + timedelta(seconds=talk), admitted=True)


def _customer_ip(address: str, rng: np.random.Generator) -> str:
    """Write the address with its port on some rows, as the carrier's files do."""
    return f"{address}:{PORTS[int(rng.integers(len(PORTS)))]}" if rng.random() < 0.3 else address  # noqa: PLR2004 - three in ten


def _row(
    *,
    direction: str,
    at: datetime,
    talk: int,
    destination: str,
    caller_id: str,
    alias: str,
    zone: str,
    country: str,
    line: str,
    ending: tuple[str, int, str],
    rate: Decimal,
    x_tag: str,
    address: str,
) -> Row:
    at = at.replace(microsecond=0)
    billed = math.ceil(talk / STEP_S) * STEP_S
    subtotal = (Decimal(billed) / 60 * rate).quantize(Decimal("0.00000001"))
    ccrf = (subtotal * CCRF).quantize(Decimal("0.00000001"))
    result, code, reason = ending
    zero = shapes.money(Decimal(0))
    return (
        direction,
        f"{at:%Y-%m-%d %H:%M:%S}+00",
        f"{at + timedelta(seconds=talk):%Y-%m-%d %H:%M:%S}+00",
        destination,
        alias,
        caller_id,
        shapes.money(subtotal + ccrf),
        zone,
        country,
        line,
        result,
        code,
        reason,
        talk,
        billed,
        shapes.money(rate),
        STEP_S,
        STEP_S,
        shapes.money(subtotal),
        zero,
        zero,
        shapes.money(ccrf),
        zero,
        x_tag,
        address,
    )


class LiveTraffic:
    """Calls as they come, each decided under the policy in force at its start and written when it ends."""

    def __init__(self, database: Database, sample: Sample, calls_per_s: float, seed: int = 0) -> None:
        self._database, self._sample = database, sample
        self._rate = calls_per_s
        self._rng = np.random.default_rng([seed, time.time_ns()])

    def run(self, stop: threading.Event) -> None:
        """Place calls until told to stop; a database that cannot be written is logged and tried again."""
        going: list[tuple[datetime, int, Placed]] = []
        number = 0
        due = time.monotonic()
        while not stop.is_set():
            due += float(self._rng.exponential(1 / self._rate))
            while not stop.is_set() and (pause := due - time.monotonic()) > 0:
                self._write(going)
                stop.wait(min(pause, 0.25))
            if stop.is_set():
                break
            try:
                policy, observations, now = self._database.policy_now()
                account = self._database.settings()
                call = place(
                    self._caller(now), self._sample, now, policy, observations, self._rng, longest=LONGEST_LIVE_S
                )
            except sqlite3.Error as exc:
                log.warning("A live call could not be placed: %s", exc)
                continue
            if call.admitted or account.refusals_in_cdrs:
                number += 1
                heapq.heappush(going, (call.ends_at, number, call))
            self._write(going)

    def _caller(self, now: datetime) -> Caller:
        total = sum(caller.weight for caller in self._sample.callers) or 1.0
        weights = np.array(
            [c.weight or total * LIVE_NIGHT_SHARE * shapes.intensity(c, now) for c in self._sample.callers]
        )
        return self._sample.callers[int(self._rng.choice(len(weights), p=weights / weights.sum()))]

    def _write(self, going: list[tuple[datetime, int, Placed]]) -> None:
        ended = []
        while going and going[0][0] <= datetime.now(UTC):
            ended.append(heapq.heappop(going))
        if not ended:
            return
        try:
            self._database.add_calls(call.row for _, _, call in ended)
        except sqlite3.Error as exc:
            log.warning("%d live calls could not be written and are tried again: %s", len(ended), exc)
            for one in ended:
                heapq.heappush(going, one)
