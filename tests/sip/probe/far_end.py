"""Far end on loopback for probes: records requests and answers as scripted, over UDP, TCP or TLS."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import Self

from tests.waiting import WAIT_S

Say = Callable[[str, str], Iterable[bytes]]
"""Returns the messages to send for a method and a complete request."""
LOOK_EVERY_S = 0.05
"""Interval in seconds at which a far end checks whether to stop."""


def answer(request: str, status: str, *headers: str, tag: str = ";tag=far") -> bytes:
    """Return an answer to a request with the headers that an answer must copy."""
    kept = {
        name: re.search(rf"^{name}: (.*)$", request, re.MULTILINE) for name in ("Via", "From", "To", "Call-ID", "CSeq")
    }
    lines = [
        f"{name}: {found[1].strip()}{tag if name == 'To' and ';tag' not in found[1] else ''}"
        for name, found in kept.items()
        if found
    ]
    return "\r\n".join([f"SIP/2.0 {status}", *lines, *headers, "Content-Length: 0", "", ""]).encode()


class FarEnd:
    """Listener; ``seen`` contains all requests in order, including ACK."""

    def __init__(self, say: Say, transport: str = "udp", context: ssl.SSLContext | None = None) -> None:
        self.seen: list[str] = []
        self._say = say
        self._context = context
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(LOOK_EVERY_S)
        self._over = False
        self.port: int = self._socket.getsockname()[1]
        if transport != "udp":
            self._socket.listen()
        self._thread = Thread(target=self._datagrams if transport == "udp" else self._stream, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join(WAIT_S)
        self._socket.close()

    @property
    def methods(self) -> list[str]:
        """Return the methods received, in order."""
        return [request.partition(" ")[0] for request in self.seen]

    def _take(self, request: str) -> Iterable[bytes]:
        self.seen.append(request)
        return self._say(request.partition(" ")[0], request)

    def _datagrams(self) -> None:
        with suppress(OSError):
            while not self._over:
                with suppress(TimeoutError):
                    data, peer = self._socket.recvfrom(65536)
                    for message in self._take(data.decode()):
                        self._socket.sendto(message, peer)

    def _stream(self) -> None:
        peer = None
        while peer is None and not self._over:
            with suppress(TimeoutError):
                peer, _ = self._socket.accept()
        if peer is None:
            return
        with suppress(OSError), ExitStack() as stack:
            opened = stack.enter_context(self._context.wrap_socket(peer, server_side=True) if self._context else peer)
            opened.settimeout(WAIT_S)
            for request in _requests(opened):
                for message in self._take(request):
                    opened.sendall(message)


def _requests(peer: socket.socket) -> Iterator[str]:
    rest = b""
    while data := peer.recv(65536):
        rest += data
        while b"\r\n\r\n" in rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            length = int((re.search(rb"Content-Length: (\d+)", head) or [b"", b"0"])[1])
            while len(rest) < length:
                rest += peer.recv(65536)
            yield (head + b"\r\n\r\n" + rest[:length]).decode()
            rest = rest[length:]


@contextmanager
def far_end(say: Say, transport: str = "udp", context: ssl.SSLContext | None = None) -> Iterator[FarEnd]:
    """Run a far end for the duration of the block."""
    with FarEnd(say, transport, context) as found:
        yield found
