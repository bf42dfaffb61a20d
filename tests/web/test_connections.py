"""Connection limits for clients that are slow, numerous, malformed or do not read, tested over plain sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any, ClassVar

import pytest
import uvicorn

from dashboard.web import connections
from dashboard.web.gate import Gate, policy
from dashboard.web.quiet_log import EVERY_S
from dashboard.web.sessions import MemorySessions, Session
from tests.web.conftest import KEY, Web

WAIT_S = 0.5
MOST = 8
PING_S = 0.3
LONGEST_S = 300
FLOOD = b"x" * 2**20


def end_of(line: socket.socket) -> bytes:
    """Return all data until the server closes the connection; raise if it stays open."""
    data = b""
    with suppress(ConnectionResetError):
        while chunk := line.recv(65536):
            data += chunk
    return data


def said(web: Web, *parts: bytes | str) -> bytes:
    """Send parts, with ``{port}`` filled in for text, and return all data until the server closes the connection."""
    with closing(web.connect()) as line:
        with suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                line.sendall(part if isinstance(part, bytes) else part.format(port=web.port).encode("latin-1"))
        return end_of(line)


HOST = "Host: 127.0.0.1:{port}\r\n"
NO_REQUESTS = {
    "a header without end": f"GET / HTTP/1.1\r\n{HOST}X: " + "a" * 200_000,
    "an address without end": "GET /" + "a" * 200_000,
    "two lengths": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 4\r\nContent-Length: 5\r\n\r\n",
    "an unknown coding": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: xchunked\r\n\r\n",
    "a broken chunk": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked, chunked\r\n\r\n",
    "a space in a name": "GET /healthz HTTP/1.1\r\nHost : 127.0.0.1:{port}\r\n\r\n",
    "a folded header": f"GET /healthz HTTP/1.1\r\n{HOST}X: a\r\n b\r\nHost : b\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 300,
    "no protocol": "hello\r\n\r\n",
}
REFUSED = {
    "HTTP/1.0 without Host": ("GET /healthz HTTP/1.0\r\n\r\n", 421),
    "HTTP/2 at once": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 421),
    "a proxy's request": (f"GET http://127.0.0.1:{{port}}/healthz HTTP/1.1\r\n{HOST}\r\n", 400),
    "a proxy's request for another site": (f"GET http://evil.example/ HTTP/1.1\r\n{HOST}\r\n", 400),
    "a star": (f"OPTIONS * HTTP/1.1\r\n{HOST}\r\n", 400),
    "a tunnel": (f"CONNECT evil.example:80 HTTP/1.1\r\n{HOST}\r\n", 400),
    "length and chunks": (
        f"POST / HTTP/1.1\r\n{HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a request in a body": (f"POST / HTTP/1.1\r\n{HOST}Content-Length: 50\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n", 401),
    "TRACE": (f"TRACE / HTTP/1.1\r\n{HOST}\r\n", 401),
    "HTTP/2 asked for": (f"GET / HTTP/1.1\r\n{HOST}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", 401),
    "a large body": (f"POST / HTTP/1.1\r\n{HOST}Content-Length: 20000000\r\n\r\n" + "x" * 20_000_000, 401),
    "a body that never comes": (f"PUT /_stcore/upload_file/a/b HTTP/1.1\r\n{HOST}Content-Length: 9\r\n\r\nab", 401),
    "one that asks first": (f"PUT /a HTTP/1.1\r\n{HOST}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", 401),
}


@pytest.mark.parametrize("sent", NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_invalid_request_gets_400(web: Web, sent: str | bytes) -> None:
    """Data that is not a valid request gets 400 with a message and the headers of every response, then a close."""
    answer = said(web, sent)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"The request cannot be read" in answer
    assert b"x-frame-options: DENY\r\n" in answer
    assert b"content-security-policy: default-src 'none';" in answer


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_ends_its_connection(web: Web, sent: str, status: int) -> None:
    """Each of these requests is refused and its connection ends; a request sent after it is not processed."""
    answer = said(web, sent, f"GET /healthz HTTP/1.1\r\n{HOST}\r\n")

    assert int(answer.split()[1]) == status
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in answer.lower()


def test_requests_sent_at_once_are_each_judged(web: Web) -> None:
    """Pipelined requests are checked one by one: 200 with the cookie, then 401 without, which ends the connection."""
    cookie = web.enter()
    ask = f"GET /_stcore/health HTTP/1.1\r\n{HOST}"

    answer = said(web, f"{ask}{cookie}\r\n\r\n{ask}\r\n{ask}{cookie}\r\n\r\n")

    assert [part.split()[0] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"401"]


def test_invalid_requests_do_not_fill_the_log(web: Web) -> None:
    """All invalid requests share one message, logged at most once a minute and without the data they sent."""
    before = len(web.log.read_text().splitlines())
    begun = time.monotonic()

    for sent in NO_REQUESTS.values():
        said(web, sent)

    lines = web.log.read_text().splitlines()
    assert sum("Invalid HTTP request" in line for line in lines[before:]) <= 1 + (time.monotonic() - begun) / EVERY_S
    assert any("Invalid HTTP request" in line for line in lines)
    assert "aaaa" not in web.log.read_text()


class Hasty(connections.Http):
    """HTTP protocol with limits small enough for tests."""

    wait_s: ClassVar[float] = WAIT_S
    most_waiting: ClassVar[int] = MOST


class App:
    """App behind the gate: returns the size of a body, floods a WebSocket, and records its opening and its end."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.ended = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or serve one WebSocket until it disconnects."""
        if scope["type"] == "websocket":
            await self._flood(receive, send)
        elif scope["type"] == "http":
            size = 0
            more = True
            while more:
                message = await receive()
                size = size + len(message.get("body", b""))
                more = message.get("more_body", False)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"%4d" % size})

    async def _flood(self, receive: Any, send: Any) -> None:
        async def pour() -> None:
            while True:
                await send({"type": "websocket.send", "bytes": FLOOD})

        await receive()
        await send({"type": "websocket.accept"})
        pouring = asyncio.create_task(pour())
        self.opened.set()
        while (await receive())["type"] != "websocket.disconnect":
            pass
        pouring.cancel()
        self.ended.set()


class Running:
    """A server with small limits in its own thread."""

    def __init__(self) -> None:
        self.app = App()
        self.sessions = MemorySessions()
        self.session = Session(made_by="kim")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        gate = Gate(self.app, port=self.port, sessions=self.sessions, use_link=lambda _: None,
                    is_unused=lambda _: False, content_policy=policy(),
                    farewell=b"farewell", peer=None)  # fmt: skip
        self.cookie = f"trunkgate_{self.port}={self.sessions.add(self.session)}"
        config = uvicorn.Config(gate, host="127.0.0.1", port=self.port, http=Hasty, ws=connections.WebSocket,
                                ws_ping_interval=PING_S, ws_ping_timeout=PING_S, ws_per_message_deflate=False,
                                lifespan="off", log_config=None, timeout_graceful_shutdown=1)  # fmt: skip
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)

    def connect(self, sent: str = "") -> socket.socket:
        """Open a connection and send text with ``{port}`` filled in."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=LONGEST_S)
        line.sendall(sent.format(port=self.port).encode())
        return line

    def ask(self) -> bytes:
        """Send a request with the session cookie, as the operator's browser does, and return the response."""
        with closing(
            self.connect(f"GET / HTTP/1.1\r\n{HOST}Connection: close\r\nCookie: {self.cookie}\r\n\r\n")
        ) as line:
            return end_of(line)


@pytest.fixture
def hasty() -> Iterator[Running]:
    """Run a server with small limits."""
    running = Running()
    running.thread.start()
    while not running.server.started:
        assert running.thread.is_alive()
    yield running
    running.server.should_exit = True
    running.thread.join(LONGEST_S)


@pytest.mark.parametrize("sent", ["", "G", f"GET / HTTP/1.1\r\n{HOST}X: a"], ids=["nothing", "a letter", "a part"])
def test_a_request_has_a_time_in_which_to_arrive(hasty: Running, sent: str) -> None:
    """A request that does not arrive in time ends its connection, with a 408 message if any part was sent."""
    with closing(hasty.connect(sent)) as line:
        answer = end_of(line)

    assert (b"408 Request Timeout" in answer) == bool(sent)
    assert (b"took too long to arrive" in answer) == bool(sent)


def answer_of(line: socket.socket) -> bytes:
    """Return one response, read until part of its body has arrived."""
    data = b""
    while not data.partition(b"\r\n\r\n")[2]:
        data += line.recv(1000)
    return data


def _ends(line: socket.socket) -> bool:
    """Send one byte; return whether the server has closed the connection, with 408 or a reset. Raise if it is open."""
    try:
        line.sendall(b"G")
        return b"408" in end_of(line)
    except (BrokenPipeError, ConnectionResetError):
        return True


@pytest.mark.parametrize("after", ["", f"GET / HTTP/1.1\r\n{HOST}Cookie: {{cookie}}\r\n\r\n"], ids=["first", "second"])
def test_slow_request_is_ended_in_time(hasty: Running, after: str) -> None:
    """A request sent byte by byte is ended in time: neither a byte nor an earlier request extends the limit."""
    with closing(hasty.connect(after.replace("{cookie}", hasty.cookie))) as line:
        if after:
            assert answer_of(line).startswith(b"HTTP/1.1 200")
        line.settimeout(WAIT_S / 5)
        ended = False
        for _ in range(int(LONGEST_S / WAIT_S * 5)):
            with suppress(TimeoutError):
                ended = _ends(line)
                break

    assert ended


def test_a_request_that_is_let_in_has_no_limit_of_time(hasty: Running) -> None:
    """A request accepted by the gate has no time limit: a slow upload arrives complete."""
    with closing(
        hasty.connect(f"PUT /a HTTP/1.1\r\n{HOST}Cookie: {hasty.cookie}\r\nContent-Length: 4\r\n\r\nab")
    ) as line:
        threading.Event().wait(WAIT_S * 2)
        line.sendall(b"cd")
        assert answer_of(line).endswith(b"   4")


@pytest.mark.parametrize(
    "sent", ["", f"GET / HTTP/1.1\r\n{HOST}X: ", f"PUT /a HTTP/1.1\r\n{HOST}Content-Length: 9\r\n\r\n"]
)
def test_oldest_waiting_connections_are_closed(hasty: Running, sent: str) -> None:
    """Above the maximum of waiting connections the oldest are closed, and the operator's requests are answered."""
    Hasty.wait_s, before = LONGEST_S, Hasty.wait_s
    try:
        with ExitStack() as stack:
            lines = [stack.enter_context(closing(hasty.connect(sent))) for _ in range(MOST * 3)]
            assert b"200 OK" in hasty.ask()
            for line in lines[: MOST * 2]:
                end_of(line)
            assert len(Hasty.waiting) <= MOST
            assert b"200 OK" in hasty.ask()
    finally:
        Hasty.wait_s = before


UPGRADE = f"GET / HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
WHOLE = f"{UPGRADE}Sec-WebSocket-Key: {KEY}\r\nOrigin: http://127.0.0.1:{{port}}\r\n"


@pytest.mark.parametrize("signed_out", [False, True])
def test_a_websocket_that_nobody_reads_ends(hasty: Running, *, signed_out: bool) -> None:
    """Without a reading client the app gets a disconnect, also after a sign-out; no connection or listener is left."""
    with closing(hasty.connect(f"{WHOLE}Cookie: {hasty.cookie}\r\n\r\n")):
        assert hasty.app.opened.wait(LONGEST_S)
        if signed_out:
            hasty.sessions.end(hasty.session)
        assert hasty.app.ended.wait(LONGEST_S)
        while any(isinstance(each, connections.WebSocket) for each in hasty.server.server_state.connections):
            threading.Event().wait(PING_S / 3)
        assert hasty.session.listeners == []


LONG = {
    "a long header": f"{UPGRADE}X: " + "a" * 10_000 + "\r\n\r\n",
    "a long address": UPGRADE.replace("GET /", "GET /" + "a" * 10_000, 1) + "\r\n",
    "many headers": UPGRADE + "".join(f"X{number}: a\r\n" for number in range(200)) + "\r\n",
    "a body": f"{UPGRADE}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}
"""Requests for a WebSocket that the HTTP server accepts and the WebSocket library rejects."""
NOT_HELD = {
    "no session": (f"{WHOLE}\r\n", b" 403 "),
    "half": (UPGRADE, b" 408 "),
    "no key": (f"{UPGRADE}\r\n", b" 400 "),
    "another method": (UPGRADE.replace("GET", "POST", 1) + "\r\n", b" 405 "),
    **{name: (sent, b" 400 ") for name, sent in LONG.items()},
}


@pytest.mark.parametrize(("sent", "status"), NOT_HELD.values(), ids=NOT_HELD)
def test_a_websocket_without_a_session_is_not_held(hasty: Running, sent: str, status: bytes) -> None:
    """A WebSocket request without a session is refused and its connection ends; an incomplete one gets 408."""
    with closing(hasty.connect(sent)) as line:
        assert status in end_of(line).partition(b"\r\n")[0]


def test_the_server_stops_while_clients_keep_refused_websockets(hasty: Running) -> None:
    """The server stops without an error while clients hold refused connections, whether the refusal was read or not."""
    with ExitStack() as stack:
        lines = [stack.enter_context(closing(hasty.connect(sent))) for sent in LONG.values() for _ in range(2)]
        for line in lines[::2]:
            assert b" 400 " in line.recv(65536).partition(b"\r\n")[0]
        hasty.server.should_exit = True
        hasty.thread.join(LONGEST_S)

    assert not hasty.thread.is_alive()
    assert not hasty.server.server_state.connections
