"""
CDRs of the emulated account in export format: the values of ``database.CALL_COLUMNS``, in order.

Derived from the vendor's three sample rows: billing steps of six seconds, rates per minute, a recovery fee on the
subtotal, and an end time that is the start plus the talk time. Money is an integer in units of 0.00000001 USD.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dashboard.domain.admission import CHALLENGE_REASON, DEFAULT_NO_PATH_STATUS, Decision
from dashboard.emulator.traffic.attempts import Attempts
from dashboard.emulator.traffic.patterns import ENDINGS
from dashboard.emulator.traffic.sample import Caller, Zone

Row = tuple[Any, ...]

STEP_S = 6
"""Billing step in seconds, for the first and for later increments."""
UNITS_A_DOLLAR = 10**8
CCRF_PER_100K = 13_045
"""Carrier cost recovery fee, in 1/100,000 of the subtotal."""
INBOUND_RATE = "0.01200000"
TOLL_FREE_RATE, TOLL_FREE_CONNECT_FEE = "0.01790000", "0.00500000"
"""Invented: the carrier does not publish the prices of inbound toll-free calls."""
TOLL_FREE = "UNITED STATES - TOLL FREE"
FROM_CANADA = "CANADA"
LANDLINE, CELLULAR = "0", "61"
"""Originating line information digits (the sample row has 61)."""

REASONS = {401: "Unauthorized", 403: "Forbidden", 407: CHALLENGE_REASON, 603: "Decline"}
"""Reason phrases by SIP status, for rejections without a phrase from the admission rule (RFC 3261, section 21)."""


def rows(
    caller: Caller, zones: Sequence[Zone], attempts: Attempts, addresses: Sequence[str], decisions: Sequence[Decision]
) -> Iterator[Row]:
    """
    Yield the CDR of each attempt.

    Args:
        caller: Caller of outbound calls, and called party of inbound ones.
        zones: Zones of the sample.
        attempts: Attempts of the caller.
        addresses: Source address of each outbound call, or destination address of an inbound one.
        decisions: Admission decision of each attempt; ignored for inbound calls.

    Yields:
        One row per attempt, in order.
    """
    columns = (
        attempts.at_s,
        attempts.inbound,
        attempts.theirs,
        attempts.ours,
        attempts.zone,
        attempts.ending,
        attempts.talk_s,
        attempts.port,
    )
    for (at_s, inbound, remote_number, line_index, zone, ending, talk_s, port), address, decision in zip(
        zip(*(column.tolist() for column in columns), strict=True), addresses, decisions, strict=True
    ):
        source = f"{address}:{port}" if port else address
        outcome = ENDINGS[ending]
        end = (outcome.result, outcome.code, outcome.reason)
        if inbound:
            yield _inbound(caller, zones[zone].name, at_s, str(remote_number), line_index, end, talk_s, source)
        else:
            let_in = decision.admitted is True
            yield outbound(
                zones[zone],
                at_s,
                str(remote_number),
                end if let_in else _refusal(decision),
                talk_s if let_in else 0,
                caller_id=f"+{caller.caller_ids[line_index]}",
                x_tag=caller.x_tag,
                source=source,
            )


def _refusal(decision: Decision) -> tuple[str, int, str]:
    status = decision.sip_status or DEFAULT_NO_PATH_STATUS
    return "failed", status, decision.sip_reason or REASONS.get(status, "")


def outbound(
    zone: Zone,
    at_s: int,
    number: str,
    ending: tuple[str, int, str],
    talk_s: int,
    *,
    caller_id: str,
    x_tag: str,
    source: str,
) -> Row:
    """
    Return the CDR of an outbound call.

    Args:
        zone: Zone of the number, for its name and price.
        at_s: Start in seconds since 1970 (UTC).
        number: Dialed number; without the tech prefix, which ``destination`` does not contain (the sample rows).
        ending: Result, SIP code and reason.
        talk_s: Talk time in seconds.
        caller_id: Caller ID, including any characters before the digits.
        x_tag: Value of the X-Tag header; ``""`` if there was none.
        source: Source address, optionally with a port.
    """
    return (
        "Outbound",
        _time(at_s),
        _time(at_s + talk_s),
        number,
        "",
        caller_id,
        *_priced(talk_s, zone.rate_usd_per_min, "0", (zone.name, "N/A", "", *ending)),
        x_tag,
        source,
    )


def _inbound(
    caller: Caller,
    origin: str,
    at_s: int,
    number: str,
    line_index: int,
    ending: tuple[str, int, str],
    talk_s: int,
    source: str,
) -> Row:
    line = caller.lines[line_index]
    name = "UNITED STATES"
    rate = INBOUND_RATE
    fee = "0"
    if line.toll_free:
        name = TOLL_FREE
        rate = TOLL_FREE_RATE
        fee = TOLL_FREE_CONNECT_FEE if talk_s else "0"
    country = origin if origin == FROM_CANADA else "UNITED STATES"
    kind = CELLULAR if int(number) % 2 else LANDLINE
    return (
        "Inbound",
        _time(at_s),
        _time(at_s + talk_s),
        line.number,
        line.alias,
        f"+{number}",
        *_priced(talk_s, rate, fee, (name, country, kind, *ending)),
        "",
        source,
    )


def _priced(talk_s: int, rate: str, connect_fee: str, between: tuple[Any, ...]) -> Row:
    """Return the columns from ``total_cost`` to ``cnam_lookup_fee``; ``between`` holds those that are not prices."""
    billed = -(-talk_s // STEP_S) * STEP_S
    subtotal = billed * _units(rate) // 60
    ccrf = (subtotal * CCRF_PER_100K + 50_000) // 100_000
    fee = _units(connect_fee)
    zero = _money(0)
    return (
        _money(subtotal + fee + ccrf),
        *between,
        talk_s,
        billed,
        rate,
        STEP_S,
        STEP_S,
        _money(subtotal),
        _money(fee),
        zero,
        _money(ccrf),
        zero,
    )


def _units(dollars: str) -> int:
    return int(Decimal(dollars) * UNITS_A_DOLLAR)


def _money(units: int) -> str:
    return f"{units // UNITS_A_DOLLAR}.{units % UNITS_A_DOLLAR:08d}"


def _time(at_s: int) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}+00"
