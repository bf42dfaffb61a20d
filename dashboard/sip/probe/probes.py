"""
The two probes: OPTIONS, and a test call that ends as soon as its result is known.

A ringing call is canceled, an answered call is hung up at once, and an error response is acknowledged. No
credentials are sent. Source: RFC 3261, sections 9, 11, 13, 15 and 17.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from secrets import token_hex

from dashboard.core.text import one_line
from dashboard.sip.dial_string import build
from dashboard.sip.probe import interpret
from dashboard.sip.probe.connection import ProbeTarget, SipConnection
from dashboard.sip.probe.messages import LONGEST_REASON, Dialog, SipResponse, session

MAGIC = "z9hG4bK"
"""Prefix of every Via branch (RFC 3261, section 8.1.1.7)."""
END_S = 4.0
"""Time to wait for the end of a call, in seconds."""
TRYING = 100
FINAL = 200
REFUSED = 300
_CONTACT = re.compile(r"<?(sips?:[^<>;,\s]+(?:;[^<>,\s]+)?)>?", re.IGNORECASE)


@dataclass(frozen=True)
class Probe:
    """The result of a probe."""

    method: str
    pop: str
    transport: str
    source: str
    """Source address of the request; if no connection was opened, the requested one, which may be ``""``."""
    request_uri: str
    sip_status: int | None
    sip_reason: str
    seconds: float | None
    """Seconds from the request to the deciding response; ``None`` without one."""
    meaning: str
    admitted: bool | None = None
    """Whether the carrier admitted the test call; ``None`` if undecided, and for OPTIONS."""
    account: str = ""
    """The end of ``meaning`` that compares the call with the account; ``""`` without an account."""


def options(target: ProbeTarget, *, wait_s: float = 8.0) -> Probe:
    """
    Test with OPTIONS whether a PoP is reachable.

    Args:
        target: The PoP and the source address.
        wait_s: Time to wait for a response, in seconds.

    Returns:
        The response and its meaning; network errors and malformed responses do not raise.

    Raises:
        InputError: The host has no IPv4 address, or the source address is not local.
    """
    uri = f"sip:{target.at[0]}:{target.at[1]}"
    begun = time.monotonic()
    try:
        with SipConnection(target, wait_s) as line:
            dialog = _dialog(line, target, uri, "probe")
            request = dialog.request("OPTIONS", _branch())
            response = next(
                (
                    candidate
                    for candidate in line.answers(request, dialog.call_id, "OPTIONS", wait_s)
                    if candidate.status >= FINAL
                ),
                None,
            )
            meaning = interpret.of_options(response, strange=bool(line.strange), source=line.address, seconds=wait_s)
            return _probe("OPTIONS", target, line.address, uri, response, begun, meaning)
    except OSError as exc:
        return _probe("OPTIONS", target, target.source, uri, None, begun, _no_line(exc))


def call(
    target: ProbeTarget,
    number: str,
    *,
    tech_prefix: str = "",
    caller_id: str = "",
    wait_s: float = 8.0,
    ring_s: float = 25.0,
) -> Probe:
    """
    Place one test call and hang up as soon as the admission is decided.

    Args:
        target: The PoP and the source address.
        number: The number to call, from ``safe_number``.
        tech_prefix: The account's eight digits; ``""`` dials the number alone.
        caller_id: Caller ID of the call; defaults to the called number.
        wait_s: Time to wait for the first response, in seconds.
        ring_s: Additional time to wait for a response other than 100 Trying, in seconds.

    Returns:
        The deciding response and its meaning; network errors and malformed responses do not raise.

    Raises:
        InputError: The host has no IPv4 address, or the source address is not local.
        DialStringError: The prefix is invalid.
    """
    user = build(tech_prefix, number, target.host).partition("@")[0] if tech_prefix else number
    uri = f"sip:{user}@{target.at[0]}:{target.at[1]}"
    begun = time.monotonic()
    try:
        with SipConnection(target, wait_s) as line:
            dialog = _dialog(line, target, uri, caller_id or number)
            response, trying, seconds = _place_call(line, dialog, wait_s, ring_s)
            admitted, meaning = interpret.of_call(
                response,
                prefixed=bool(tech_prefix),
                trying=trying,
                strange=bool(line.strange),
                source=line.address,
                seconds=ring_s if trying else wait_s,
            )
            result = _probe("INVITE", target, line.address, uri, response, begun, meaning, seconds)
            return replace(result, admitted=admitted)
    except OSError as exc:
        return _probe("INVITE", target, target.source, uri, None, begun, _no_line(exc))


def _place_call(
    line: SipConnection, dialog: Dialog, wait_s: float, ring_s: float
) -> tuple[SipResponse | None, bool, float | None]:
    """Return the deciding response, whether 100 Trying arrived before it, and the seconds it took."""
    branch = _branch()
    begun = time.monotonic()
    invite = dialog.request("INVITE", branch, body=session(line.address))
    trying = False
    for response in line.answers(invite, dialog.call_id, "INVITE", wait_s, ring_s):
        if response.status > TRYING:
            seconds = time.monotonic() - begun
            with suppress(OSError):  # the response counts even if the remote side closes the connection early
                _finish(line, dialog, branch, response)
            return response, trying, seconds
        trying = True
    if trying:
        _cancel(line, dialog, branch)
    return None, trying, None


def _finish(line: SipConnection, dialog: Dialog, branch: str, response: SipResponse) -> None:
    """End a decided call completely: acknowledge an error response, hang up an answered call, or cancel."""
    if response.status >= REFUSED:
        line.send(dialog.request("ACK", branch, to=response.first("to")))
    elif response.status >= FINAL:
        _hang_up(line, dialog, response)
    else:
        _cancel(line, dialog, branch)


def _cancel(line: SipConnection, dialog: Dialog, branch: str) -> None:
    """Cancel a call and acknowledge its end; hang up a call that was answered in the meantime."""
    cancel = dialog.request("CANCEL", branch)
    for response in line.answers(cancel, dialog.call_id, "INVITE", END_S):
        if response.status >= FINAL:
            _finish(line, dialog, branch, response)
            return


def _hang_up(line: SipConnection, dialog: Dialog, response: SipResponse) -> None:
    """Acknowledge an answered call and hang up, along the route of its response (Record-Route)."""
    contact = _CONTACT.search(response.first("contact"))
    uri = contact[1] if contact else dialog.uri
    routes = tuple(reversed(response.headers.get("record-route", ())))
    line.send(dialog.request("ACK", _branch(), to=response.first("to"), uri=uri, routes=routes))
    bye = dialog.request("BYE", _branch(), cseq=2, to=response.first("to"), uri=uri, routes=routes)
    next(line.answers(bye, dialog.call_id, "BYE", END_S), None)


def _dialog(line: SipConnection, target: ProbeTarget, uri: str, caller: str) -> Dialog:
    call_id = f"{token_hex(12)}@{line.address}"
    return Dialog(uri, target.host, line.local, target.transport, call_id, token_hex(6), caller)


def _branch() -> str:
    return f"{MAGIC}{token_hex(10)}"


def _no_line(exc: OSError) -> str:
    return interpret.NO_LINE.format(why=one_line(str(exc.strerror or exc), LONGEST_REASON) or type(exc).__name__)


def _probe(
    method: str,
    target: ProbeTarget,
    source: str,
    uri: str,
    response: SipResponse | None,
    begun: float,
    meaning: str,
    seconds: float | None = None,
) -> Probe:
    took = seconds if seconds is not None else time.monotonic() - begun
    return Probe(
        method=method,
        pop=f"{target.at[0]}:{target.at[1]}",
        transport=target.transport,
        source=source,
        request_uri=uri,
        sip_status=response.status if response else None,
        sip_reason=response.reason if response else "",
        seconds=round(took, 6) if response else None,
        meaning=meaning,
    )
