"""
How long and how many: what a client that is not let in can hold of the server, and one that stopped reading.

A connection has ``WAIT_S`` from its first byte, or from its start, until the gate lets a request of it in, and at most
``MOST_WAITING`` connections wait at a time: one more ends the oldest. So a client that sends nothing, or its request a
byte at a time, keeps nobody else out. Requests that are let in have no limit of time.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from dashboard.web.answers import FIXED_HEADERS, NOT_HTTP, PLAIN_POLICY, TOO_MANY, TOO_SLOW, Answer

WAIT_S: Final = 10.0
"""Far more than a browser takes to send a request, also through a tunnel."""
MOST_WAITING: Final = 200
"""Below the 1024 files that a process may commonly have open; a browser opens six connections at most."""
LET_IN: Final = "trunkgate.let_in"
"""The entry of a scope's ``state`` that the gate calls for a request that it lets in."""


class Http(H11Protocol):
    """A connection over which HTTP is spoken."""

    wait_s: ClassVar[float] = WAIT_S
    most_waiting: ClassVar[int] = MOST_WAITING
    waiting: ClassVar[dict[Http, None]] = {}
    """Oldest first."""

    def __init_subclass__(cls) -> None:
        """Count the connections of each kind apart."""
        super().__init_subclass__()
        cls.waiting = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, LET_IN: self._let_in}
        self._timer: asyncio.TimerHandle | None = None
        self._silent = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._let_in()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what a client sends; a first byte after an answer begins the next request."""
        if self._answered():
            self._wait()
        self._silent = False
        super().data_received(data)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over to the other protocol, which answers at once."""
        self._let_in()
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the library's words
        """Answer what is no request with a sentence."""
        self.refuse(NOT_HTTP)

    def refuse(self, answer: Answer) -> None:
        """
        End the connection, with an answer where a request has begun and none of its answer has.

        Where nothing was sent it ends without one: a browser opens connections ahead of time, and would take words on
        one of these for the answer to its next request.
        """
        self._let_in()
        if self._begun() and not self._answered():
            self.transport.abort()
        elif not self.transport.is_closing():
            if not self._silent:
                self.transport.write(_written(answer))
            self.transport.close()

    def _begun(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # the base class leaves out that there may be none yet
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
    """A connection over which a page and the app speak."""

    def send_keepalive_ping(self) -> None:
        """Ask whether the client is there; cut a connection that was closed before and is not gone by now."""
        if self.transport.is_closing():
            self.transport.abort()
        else:
            super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Cut the connection of a client that does not answer; closing would wait until it has read everything."""
        super().keepalive_timeout()
        self.transport.abort()


def _written(answer: Answer) -> bytes:
    start, body = answer.messages()
    lines = [f"HTTP/1.1 {answer.status.value} {answer.status.phrase}".encode()]
    lines += [b": ".join(pair) for pair in (*start["headers"], *FIXED_HEADERS, PLAIN_POLICY)]
    return b"\r\n".join([*lines, b"", body["body"]])
