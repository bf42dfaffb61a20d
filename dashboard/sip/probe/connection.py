"""
A line to a PoP over UDP, TCP or TLS: bytes out, SIP answers in.

Over UDP a request is repeated until something comes back, at the intervals of RFC 3261, 17.1: half a second,
then twice as long each time.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dashboard.core.errors import InputError
from dashboard.sip.probe.messages import LONGEST_FIRST, MOST_BYTES, SipResponse, read

FIRST_REPEAT_S, LAST_REPEAT_S = 0.5, 4.0
MOST_OF_ONE = 1024 * 1024
"""Bytes of one answer that are looked through for its end; of a long reason only the beginning is kept."""
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,6})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


@dataclass(frozen=True)
class ProbeTarget:
    """Where to ask, and from where."""

    host: str
    """Name or address of the PoP."""
    port: int = 0
    """0 is the transport's own."""
    transport: str = "udp"
    source: str = ""
    """Address of this machine to ask from; ``""`` leaves it to the system."""
    authorities: Path | None = None
    """Certificates that a TLS answer is held to, in place of the system's."""

    @property
    def at(self) -> tuple[str, int]:
        """Return host and port."""
        return self.host, self.port or PORTS[self.transport]


class SipConnection:
    """One open line. Use it in a ``with`` block."""

    def __init__(self, target: ProbeTarget, timeout_s: float) -> None:
        """
        Open the line.

        Raises:
            InputError: The host has no IPv4 address, or this machine does not have the source address.
            OSError: Nobody takes the connection.
        """
        self._stream = target.transport != "udp"
        self._rest, self._until = b"", 0.0
        self._body = self._seen = 0
        """Bytes of the last answer's body that are still to come, and those of the next answer that came."""
        self.strange = 0
        """Messages that were no SIP answers."""
        self._socket = _open(target, timeout_s)
        address, port = self._socket.getsockname()[:2]
        self.local, self.address = f"{address}:{port}", str(address)

    def __enter__(self) -> Self:
        """Return the line itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the line."""
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send one message."""
        self._socket.sendall(data)

    def answers(
        self, data: bytes, call_id: str, method: str, timeout_s: float, more_s: float = 0.0
    ) -> Iterator[SipResponse]:
        """
        Send a request and yield its answers as they come, until nobody asks on or the time is over.

        Args:
            data: The request; repeated over UDP until the first answer.
            call_id: Of the dialog; other calls' answers are passed over.
            method: Of the request, as CSeq names it.
            timeout_s: How long to wait for a first answer.
            more_s: How much longer once there is one.
        """
        end, pause, heard = time.monotonic() + timeout_s, FIRST_REPEAT_S, self._stream
        self.send(data)
        again = time.monotonic() + pause
        while (now := time.monotonic()) < end:
            found = self._receive((end if heard else min(end, again)) - now)
            if found is not None and found.first("call-id") == call_id:
                end, more_s, heard = end + more_s, 0.0, True
                if found.first("cseq").upper().endswith(f" {method}"):
                    yield found
            elif not heard and time.monotonic() >= again:
                self.send(data)
                pause = min(2 * pause, LAST_REPEAT_S)
                again = time.monotonic() + pause

    def _receive(self, timeout_s: float) -> SipResponse | None:
        """Return the next answer; ``None`` where none came in time, or what came is none."""
        self._until = time.monotonic() + max(0.01, timeout_s)
        self._socket.settimeout(max(0.01, timeout_s))
        try:
            data = self._message() if self._stream else self._socket.recv(MOST_BYTES)
        except TimeoutError:
            self.strange += bool(self._rest)
            return None
        found = read(data)
        self.strange += found is None
        return found

    def _message(self) -> bytes:
        """Take the headers of one answer off the stream; its body is passed over, whether it comes or not."""
        while self._body or b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        told = _LENGTH.search(head + b"\r")
        self._body, self._seen = int(told[1]) if told else 0, 0
        self._pass_over()
        return head + b"\r\n\r\n"

    def _more(self) -> None:
        """Take more off the stream; a reason without end is cut as it comes, so that the headers behind it count."""
        if time.monotonic() > self._until:
            raise TimeoutError
        if self._seen > MOST_OF_ONE or len(self._rest) > MOST_BYTES:
            raise ConnectionAbortedError("the answer has no end")
        got = self._socket.recv(MOST_BYTES)
        if not got:
            raise ConnectionResetError("the other side hung up")
        self._rest += got
        self._pass_over()
        self._seen += len(got)

    def _pass_over(self) -> None:
        """Leave out the body of the last answer, empty lines before the next, and what is too long of its first."""
        passed = min(self._body, len(self._rest))
        self._body, self._rest = self._body - passed, self._rest[passed:].lstrip(b"\r\n")
        first, end, more = self._rest.partition(b"\n")
        if len(first) > LONGEST_FIRST:
            self._rest = first[:LONGEST_FIRST] + first[-1:] + end + more


def _open(target: ProbeTarget, timeout_s: float) -> socket.socket:
    host, port = target.at
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET)[0][4][0]
    except (OSError, UnicodeError) as exc:
        raise InputError(
            f"The PoP {host!r} has no IPv4 address that could be found. Check its name, and this machine's DNS."
        ) from exc
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if target.transport == "udp" else socket.SOCK_STREAM)
    try:
        opened.settimeout(timeout_s)
        _bind(opened, target.source)
        opened.connect((found, port))
        if target.transport != "tls":
            return opened
        return ssl.create_default_context(cafile=target.authorities).wrap_socket(opened, server_hostname=host)
    except BaseException:
        opened.close()
        raise


def _bind(opened: socket.socket, source: str) -> None:
    if not source:
        return
    try:
        opened.bind((source, 0))
    except OSError as exc:
        raise InputError(f"This machine cannot send from {source!r}. Give one of its own IPv4 addresses.") from exc
