"""
SIP messages as text: requests written, answers read.

What comes from the network is never trusted: an answer is read up to a length, a reason is cut and loses what
cannot be printed, and what is no SIP answer is ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_BYTES = 65_536
LONGEST_REASON = 120
LONGEST_FIRST = 1024
"""Bytes that are read of a first line; what is behind them is a reason that nobody could show."""
_STATUS = re.compile(r"SIP/2\.0 +([1-6]\d\d)(?: +(.*))?", re.ASCII | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


@dataclass(frozen=True)
class SipResponse:
    """A SIP answer: what of it a client needs."""

    status: int
    reason: str
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By lower-case name; folded lines are joined, and a control character is a space: a request may repeat them."""

    def first(self, name: str) -> str:
        """Return the first value of a header; ``""`` where there is none."""
        return self.headers.get(name, ("",))[0]


def read(data: bytes) -> SipResponse | None:
    """
    Read an answer.

    Args:
        data: One datagram, or one message of a stream.

    Returns:
        The answer; ``None`` where the bytes are none, or are cut off before its headers end.
    """
    text = data[:MOST_BYTES].decode("utf-8", errors="replace").lstrip("\r\n")
    head, end, _ = text.partition("\r\n\r\n")
    if not end:
        head, end, _ = text.partition("\n\n")
    first, *lines = re.split(r"\r?\n", head)
    found = _STATUS.fullmatch(first.strip())
    if found is None or not end:
        return None
    headers: dict[str, tuple[str, ...]] = {}
    last = ""
    for line in lines:
        if line[:1] in (" ", "\t") and last:
            headers[last] = (*headers[last][:-1], f"{headers[last][-1]} {_CONTROL.sub(' ', line).strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            last = _COMPACT.get(name.strip().lower(), name.strip().lower())
            headers[last] = (*headers.get(last, ()), _CONTROL.sub(" ", value).strip())
    return SipResponse(int(found[1]), shown(found[2] or ""), headers)


def shown(text: str) -> str:
    """Return a text from the network as it may be shown: printable, on one line, not long."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    short = " ".join(clean.split())
    return short if len(short) <= LONGEST_REASON else f"{short[: LONGEST_REASON - 3]}..."


@dataclass(frozen=True)
class Dialog:
    """What all requests of one test have in common."""

    uri: str
    """Request-URI."""
    host: str
    """Of the PoP, for To."""
    local: str
    """``address:port`` that the requests come from."""
    transport: str
    call_id: str
    tag: str
    caller: str
    """User part of From: the caller id, or a word."""

    def request(
        self,
        method: str,
        branch: str,
        *,
        cseq: int = 1,
        to: str = "",
        uri: str = "",
        routes: tuple[str, ...] = (),
        body: str = "",
    ) -> bytes:
        """
        Write a request.

        Args:
            method: Of RFC 3261.
            branch: Of Via; an ACK to a refusal and a CANCEL carry that of their INVITE.
            cseq: Number of the request.
            to: The whole header To, once an answer has given it its tag.
            uri: Another Request-URI than the dialog's.
            routes: Values of Route.
            body: Session description, of an INVITE.
        """
        lines = [
            f"{method} {uri or self.uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {self.local};branch={branch};rport",
            *(f"Route: {route}" for route in routes),
            "Max-Forwards: 70",
            f"From: <sip:{self.caller}@{self.local.rpartition(':')[0]}>;tag={self.tag}",
            f"To: {to or f'<{self.uri}>'}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{self.caller}@{self.local};transport={self.transport}>",
            "User-Agent: trunkgate",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body.encode())}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def session(address: str) -> str:
    """Describe a session that sends and takes no sound: G.711, inactive (RFC 4566, RFC 3264)."""
    lines = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"]
    lines += ["m=audio 9 RTP/AVP 0 8", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=inactive"]
    return "\r\n".join(lines) + "\r\n"
