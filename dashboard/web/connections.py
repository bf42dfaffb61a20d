"""
Uvicorn protocols that limit connections without a session and end WebSockets whose client no longer reads.

The gate must accept a request within ``WAIT_S`` of the start of its connection; a later request on the same connection,
within ``WAIT_S`` of its first byte. At most ``MOST_WAITING`` connections wait for that at a time: one more ends the
oldest. A client that sends nothing, or sends its request one byte at a time, therefore does not block other clients.
A request that the gate has accepted has no time limit.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from dashboard.web.responses import FIXED_HEADERS, NOT_HTTP, PLAIN_POLICY, TOO_MANY, TOO_SLOW, GateResponse

WAIT_S: Final = 10.0
"""In seconds; much longer than a browser needs to send a request, even through a tunnel."""
MOST_WAITING: Final = 200
"""Below 1024, a common limit of open files per process. A browser opens at most six connections."""
LET_IN: Final = "trunkgate.let_in"
"""Key in the ASGI scope's ``state`` of the function that the gate calls when it accepts a request."""


class Http(H11Protocol):
    """An HTTP connection."""

    wait_s: ClassVar[float] = WAIT_S
    most_waiting: ClassVar[int] = MOST_WAITING
    waiting: ClassVar[dict[Http, None]] = {}
    """Connections without an accepted request, oldest first."""

    def __init_subclass__(cls) -> None:
        """Give each subclass its own count of waiting connections."""
        super().__init_subclass__()
        cls.waiting = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, LET_IN: self._let_in}
        self._timer: asyncio.TimerHandle | None = None
        self._silent = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Start the time limit of the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time limit."""
        self._let_in()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process received bytes; the first byte after a response starts the time limit of the next request."""
        if self._answered():
            self._wait()
        self._silent = False
        super().data_received(data)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Pass the connection to ``WebSocket``, which opens or ends it without waiting for more bytes."""
        self._let_in()
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the library's own message
        """Answer bytes that are not a valid request with ``NOT_HTTP``."""
        self.refuse(NOT_HTTP)

    def refuse(self, answer: GateResponse) -> None:
        """
        End the connection, with an answer if part of a request has arrived and no response to it has begun.

        A connection on which nothing has arrived ends without an answer: browsers open connections in advance, and
        would take an answer on such a connection as the response to their next request.
        """
        self._let_in()
        if self._begun() and not self._answered():
            self.transport.abort()
        elif not self.transport.is_closing():
            if not self._silent:
                self.transport.write(_written(answer))
            self.transport.close()

    def _begun(self) -> bool:
        cycle: RequestResponseCycle | None = (
            self.cycle
        )  # None before the first request, which the annotation of the base class omits
        return cycle is not None

    def _answered(self) -> bool:
        return self._begun() and self.cycle.response_complete

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.wait_s, self.refuse, TOO_SLOW)
            self.waiting[self] = None
        if len(self.waiting) > self.most_waiting:
            next(iter(self.waiting)).refuse(TOO_MANY)

    def _let_in(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.waiting.pop(self, None)


class WebSocket(WebSocketsSansIOProtocol):
    """A WebSocket between a page and the app."""

    def data_received(self, data: bytes) -> None:
        """Process received bytes; end a connection whose opening request was rejected before it reached the gate."""
        super().data_received(data)
        if not self.handshake_initiated:  # the library has lower limits here than for HTTP and leaves it open
            self.handshake_complete = self.close_sent = True
            self.transport.write(_written(NOT_HTTP))
            self.transport.close()

    def send_keepalive_ping(self) -> None:
        """Ping the client; abort a connection that was closed earlier but still exists."""
        if self.transport.is_closing():
            self.transport.abort()
        else:
            super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Abort the connection of a client that does not answer; a close would wait until all data is read."""
        super().keepalive_timeout()
        self.transport.abort()


def _written(answer: GateResponse) -> bytes:
    start, body = answer.messages()
    lines = [f"HTTP/1.1 {answer.status.value} {answer.status.phrase}".encode()]
    lines += [b": ".join(pair) for pair in (*start["headers"], *FIXED_HEADERS, PLAIN_POLICY)]
    return b"\r\n".join([*lines, b"", body["body"]])
