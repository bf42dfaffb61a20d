"""
SIP messages: build requests and parse responses.

Data from the network is not trusted: a response is parsed up to a maximum length, the reason is truncated and
stripped of unprintable characters, and data that is not a SIP response gives ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboard.core.text import one_line

MOST_BYTES = 65_536
LONGEST_REASON = 120
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
LONGEST_FIRST = 1024
"""Bytes read of a status line; the rest is a reason phrase too long to display."""
_STATUS = re.compile(r"SIP/2\.0 +([1-6]\d\d)(?: +(.*))?", re.ASCII | re.IGNORECASE)
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


@dataclass(frozen=True)
class SipResponse:
    """The parts of a SIP response that a client needs."""

    status: int
    reason: str
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values by lower-case name; folded lines joined, control characters as spaces, since a request may copy them."""

    def first(self, name: str) -> str:
        """Return the first value of a header; ``""`` if the header is missing."""
        return self.headers.get(name, ("",))[0]


def read(data: bytes) -> SipResponse | None:
    """
    Parse a SIP response.

    Args:
        data: One datagram, or one message of a stream.

    Returns:
        The response; ``None`` if the bytes are not one, or end before the end of its headers.
    """
    text = data[:MOST_BYTES].decode("utf-8", errors="replace").lstrip("\r\n")
    head, end, _ = text.partition("\r\n\r\n")
    if not end:
        head, end, _ = text.partition("\n\n")
    first, *lines = re.split(r"\r?\n", head)
    status_match = _STATUS.fullmatch(first.strip())
    if status_match is None or not end:
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
    return SipResponse(int(status_match[1]), one_line(status_match[2] or "", LONGEST_REASON), headers)


@dataclass(frozen=True)
class Dialog:
    """The values shared by all requests of one probe."""

    uri: str
    """Request-URI."""
    host: str
    """Host name or address of the PoP."""
    local: str
    """Source ``address:port`` of the requests."""
    transport: str
    call_id: str
    tag: str
    caller: str
    """User part of the From header: the caller ID, or a word."""

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
        Build a request.

        Args:
            method: A method of RFC 3261.
            branch: Branch parameter of Via; an ACK to an error response and a CANCEL repeat that of their INVITE.
            cseq: Sequence number for CSeq.
            to: The whole To header, once a response has added its tag.
            uri: Request-URI that replaces the dialog's.
            routes: Values of the Route headers.
            body: Session description of an INVITE.
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
    """Return an SDP body for a session without audio in either direction: G.711, inactive (RFC 4566, RFC 3264)."""
    lines = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"]
    lines += ["m=audio 9 RTP/AVP 0 8", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=inactive"]
    return "\r\n".join(lines) + "\r\n"
