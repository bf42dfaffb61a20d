"""
A connection to a PoP over UDP, TCP or TLS that sends bytes and receives SIP responses.

Over UDP, a request is retransmitted until a response arrives, at the intervals of RFC 3261, section 17.1: 0.5 s,
then doubling each time.
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

FIRST_REPEAT_S = 0.5
LAST_REPEAT_S = 4.0
MOST_OF_ONE = 1024 * 1024
"""Bytes of one response searched for the end of its headers; only the beginning of a long reason is kept."""
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,6})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


@dataclass(frozen=True)
class ProbeTarget:
    """The PoP to probe and the source address to probe from."""

    host: str
    """Host name or address of the PoP."""
    port: int = 0
    """0 selects the transport's default port."""
    transport: str = "udp"
    source: str = ""
    """Local source address; ``""`` lets the operating system choose."""
    authorities: Path | None = None
    """CA certificates for TLS verification, instead of the system's."""

    @property
    def at(self) -> tuple[str, int]:
        """Return host and port."""
        return self.host, self.port or PORTS[self.transport]


class SipConnection:
    """An open connection to a PoP. Use it in a ``with`` block."""

    def __init__(self, target: ProbeTarget, timeout_s: float) -> None:
        """
        Open the connection.

        Raises:
            InputError: The host has no IPv4 address, or the source address is not local.
            OSError: The connection failed.
        """
        self._stream = target.transport != "udp"
        self._rest = b""
        self._until = 0.0
        self._body = self._seen = 0
        """Bytes of the last response's body still to come, and bytes received of the next response."""
        self.strange = 0
        """Number of received messages that are not SIP responses."""
        self._socket = _open(target, timeout_s)
        address, port = self._socket.getsockname()[:2]
        self.local = f"{address}:{port}"
        self.address = str(address)

    def __enter__(self) -> Self:
        """Return the connection itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send one message."""
        self._socket.sendall(data)

    def answers(
        self, data: bytes, call_id: str, method: str, timeout_s: float, more_s: float = 0.0
    ) -> Iterator[SipResponse]:
        """
        Send a request and yield its responses as they arrive, until the caller stops or the timeout expires.

        Args:
            data: The request; retransmitted over UDP until the first response.
            call_id: Call-ID of the dialog; responses to other calls are ignored.
            method: Method of the request, as in CSeq.
            timeout_s: Time to wait for the first response, in seconds.
            more_s: Extension of the timeout after the first response, in seconds.
        """
        end = time.monotonic() + timeout_s
        pause = FIRST_REPEAT_S
        has_response = self._stream
        self.send(data)
        resend_at = time.monotonic() + pause
        while (now := time.monotonic()) < end:
            response = self._receive((end if has_response else min(end, resend_at)) - now)
            if response is not None and response.first("call-id") == call_id:
                end = end + more_s
                more_s = 0.0
                has_response = True
                if response.first("cseq").upper().endswith(f" {method}"):
                    yield response
            elif not has_response and time.monotonic() >= resend_at:
                self.send(data)
                pause = min(2 * pause, LAST_REPEAT_S)
                resend_at = time.monotonic() + pause

    def _receive(self, timeout_s: float) -> SipResponse | None:
        """Return the next response; ``None`` on timeout, or if the message is not a SIP response."""
        self._until = time.monotonic() + max(0.01, timeout_s)
        self._socket.settimeout(max(0.01, timeout_s))
        try:
            data = self._message() if self._stream else self._socket.recv(MOST_BYTES)
        except TimeoutError:
            self.strange += bool(self._rest)
            return None
        response = read(data)
        self.strange += response is None
        return response

    def _message(self) -> bytes:
        """Read the headers of one response from the stream; its body is skipped and not waited for."""
        while self._body or b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        length_match = _LENGTH.search(head + b"\r")
        self._body = int(length_match[1]) if length_match else 0
        self._seen = 0
        self._pass_over()
        return head + b"\r\n\r\n"

    def _more(self) -> None:
        """Read more from the stream; truncate an overlong reason on arrival, so that the headers after it are read."""
        if time.monotonic() > self._until:
            raise TimeoutError
        if self._seen > MOST_OF_ONE or len(self._rest) > MOST_BYTES:
            raise ConnectionAbortedError("the answer has no end")
        data = self._socket.recv(MOST_BYTES)
        if not data:
            raise ConnectionResetError("the other side hung up")
        self._rest += data
        self._pass_over()
        self._seen += len(data)

    def _pass_over(self) -> None:
        """Drop the last response's body, blank lines before the next response, and its excess status line."""
        skipped = min(self._body, len(self._rest))
        self._body, self._rest = self._body - skipped, self._rest[skipped:].lstrip(b"\r\n")
        first, end, remainder = self._rest.partition(b"\n")
        if len(first) > LONGEST_FIRST:
            self._rest = first[:LONGEST_FIRST] + first[-1:] + end + remainder


def _open(target: ProbeTarget, timeout_s: float) -> socket.socket:
    host, port = target.at
    try:
        address = socket.getaddrinfo(host, port, socket.AF_INET)[0][4][0]
    except (OSError, UnicodeError) as exc:
        raise InputError(
            f"The PoP {host!r} has no IPv4 address that could be found. Check its name, and this machine's DNS."
        ) from exc
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if target.transport == "udp" else socket.SOCK_STREAM)
    try:
        opened.settimeout(timeout_s)
        _bind(opened, target.source)
        opened.connect((address, port))
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
