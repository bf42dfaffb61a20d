"""
Gate in front of the app: ASGI middleware that accepts or rejects every HTTP request and every WebSocket.

Checks, in this order, with the status of a rejection: the Host header is one of the dashboard's (421); the request has
a path and one length (400); the Origin has the same host and port (403; required for a WebSocket); a request from
another site is a navigation (403); the session cookie is known (401) and comes from the user of this machine to whom
the gate gave it (403). ``/healthz`` needs no session; ``/enter`` starts one. A WebSocket ends with its session.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs, quote

from dashboard.services.access import links
from dashboard.web import peers, responses
from dashboard.web.connections import LET_IN
from dashboard.web.responses import GateResponse, Message
from dashboard.web.sessions import HEADER, PREFIX, Session, Sessions

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
PeerOf = Callable[[tuple[str, int] | None, tuple[str, int] | None], int | None]
UseLink = Callable[[str], links.Link | None]
IsUnused = Callable[[str], bool]

HEALTH: Final = "/healthz"
ENTER: Final = "/enter"
OPEN: Final = "open"
"""Query parameter that the button adds to open a link that was fetched but not opened."""
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-src 'none'; frame-ancestors 'none'"
)
PURPOSES: Final = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
"""Headers in which browsers state why they load a page."""
AHEAD: Final = ("prefetch", "prerender", "preview")
"""Words in these headers for a page that is loaded in advance, not opened by a person."""
SLASHES: Final = re.compile("/{2,}")
KEPT: Final = "/static/"
"""Path prefix of Streamlit's own files, the only responses that a browser may cache."""
NOT_KEPT: Final = (b"cache-control", b"no-store")
REST_S: Final = 2.0
"""
Seconds for which the gate reads the rest of a refused request.

A client that is still sending would not see the response.
"""
FAREWELL_S: Final = 5.0
"""Time limit, in seconds, for sending the last message of a session to the browser."""
REFUSED: Final = 1008
"""WebSocket close code 1008, policy violation (RFC 6455)."""
TEXT: Final = "latin-1"
"""Encoding used to decode header bytes; no comparison with a non-ASCII value ever succeeds."""


def policy(script_hashes: tuple[str, ...] = ()) -> bytes:
    """
    Return the content security policy.

    Args:
        script_hashes: Hashes of the inline scripts on the pages, such as ``sha256-...``.
    """
    return POLICY.format(scripts="".join(f" '{script_hash}'" for script_hash in script_hashes)).encode()


class Gate:
    """ASGI middleware for one port."""

    def __init__(
        self,
        app: App,
        *,
        port: int,
        sessions: Sessions,
        use_link: UseLink,
        is_unused: IsUnused,
        content_policy: bytes,
        farewell: bytes = b"",
        peer: PeerOf | None = peers.uid_of if peers.KNOWN else None,
    ) -> None:
        """
        Wrap an app.

        Args:
            app: The ASGI app behind the gate.
            port: Port on 127.0.0.1 where the app is served.
            sessions: The session table of this process.
            use_link: Marks the unused link of a token as used and returns it.
            is_unused: Returns whether the link of a token can still be opened, without using it.
            content_policy: Content security policy; see ``policy``.
            farewell: Message sent over a WebSocket just before the gate closes it because its session ended.
            peer: Returns the uid at the client's end of a connection; ``None`` if the system does not provide it.
        """
        self._app = app
        names = ("127.0.0.1", "localhost")
        self._hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())  # noqa: PLR2004 - browsers omit the port of HTTP
        self._wrong_host = responses.wrong_host(f"http://127.0.0.1:{port}")
        self._cookie = f"trunkgate_{port}"  # browsers send cookies to every port of a host
        self._sessions = sessions
        self._use_link = use_link
        self._is_unused = is_unused
        self._farewell = farewell
        self._peer = peer
        self._used: set[str] = set()
        self._headers = [*responses.FIXED_HEADERS, (b"content-security-policy", content_policy)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request or WebSocket to the app, or answer it with a response of the gate."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = self._headers if scope["path"].startswith(KEPT) else [*self._headers, NOT_KEPT]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = responses.with_headers(message, headers)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None and scope["path"] == HEALTH:
            refusal = responses.HEALTHY
        elif refusal is None and scope["path"] == ENTER:
            refusal = self._enter(scope)
        if refusal is None:
            result = self._session(scope)
            if isinstance(result, Session):
                _let_in(scope)
                await self._app(_marked(scope, result), receive, send_with_headers)
                return
            refusal = result
        start, body = refusal.messages(to_script="empty" in _values(scope, b"sec-fetch-dest"))
        await send_with_headers(start)
        await send_with_headers({**body, "more_body": True})
        await _discard_body(receive)
        await send_with_headers({**body, "body": b""})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        result = self._refusal(scope, needs_origin=True) or self._session(scope)
        if isinstance(result, Session):
            await self._serve_websocket(result, _marked(scope, result), receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": REFUSED, "reason": ""})

    def _refusal(self, scope: Scope, *, needs_origin: bool = False) -> GateResponse | None:
        """Return the refusal for the host, path, length or origin of a request; ``None`` if all are valid."""
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return self._wrong_host
        if not scope["path"].startswith("/"):
            return responses.NO_PATH
        if _values(scope, b"transfer-encoding") and _values(scope, b"content-length"):
            return responses.TWO_LENGTHS
        origins = _values(scope, b"origin")
        if origins != [f"http://{hosts[0]}"] and (origins or needs_origin):
            return responses.FOREIGN_ORIGIN
        sites = set(_values(scope, b"sec-fetch-site"))
        if sites - {"same-origin", "none"} and not _navigates(scope):
            return responses.FOREIGN_ORIGIN
        return None

    def _session(self, scope: Scope) -> Session | GateResponse:
        """Return the session of a request, or the response that states why it has none."""
        cookies = self._cookies(scope)
        sessions = list(filter(None, map(self._sessions.by_cookie, cookies)))  # other ports may set this cookie too
        if not sessions:
            if "cross-site" in _values(scope, b"sec-fetch-site"):
                query = scope.get("query_string", b"").decode(TEXT)
                path = SLASHES.sub("/", quote(scope["path"]))  # two leading slashes would name another host
                return responses.reloading(path + (f"?{query}" if query else ""))
            return responses.ENDED if cookies else responses.NO_SESSION
        if self._peer is None:
            return sessions[0]
        uid = self._peer(scope.get("client"), scope.get("server"))
        return next((session for session in sessions if session.uid == uid), responses.OTHER_USER)

    def _cookies(self, scope: Scope) -> list[str]:
        pairs = (pair.strip().partition("=") for line in _values(scope, b"cookie") for pair in line.split(";"))
        return [value for name, _, value in pairs if name == self._cookie]

    def _enter(self, scope: Scope) -> GateResponse:
        """Start a session for the client that opens an unused link."""
        parameters = parse_qs(scope.get("query_string", b"").decode(TEXT))
        tokens = parameters.get("token", [])
        looked_at = self._link_preview(scope, tokens, pressed=OPEN in parameters)
        if looked_at is not None:
            return looked_at
        uid = self._peer(scope.get("client"), scope.get("server")) if self._peer else None
        if self._peer and uid is None:
            return responses.USER_UNKNOWN
        link = self._use_link(tokens[0]) if len(tokens) == 1 else None
        before = self._session(scope)
        if link is None:
            if isinstance(before, Session):
                return responses.going_on()
            return self._invalid_link(tokens)
        self._used.add(links.digest(tokens[0]))
        if isinstance(before, Session):
            self._sessions.end(before)
        number = links.number_of(tokens[0])
        cookie = self._sessions.add(
            Session(made_by=link.made_by, link=number, name=link.name, vouched=bool(link.name), uid=uid)
        )
        return responses.entered(f"{self._cookie}={cookie}; HttpOnly; SameSite=Strict; Path=/".encode())

    def _invalid_link(self, tokens: list[str]) -> GateResponse:
        """Return ``LINK_USED`` for a link that this gate has opened before, else ``LINK_UNKNOWN``."""
        used = len(tokens) == 1 and links.digest(tokens[0]) in self._used
        return responses.LINK_USED if used else responses.LINK_UNKNOWN

    def _link_preview(self, scope: Scope, tokens: list[str], *, pressed: bool) -> GateResponse | None:
        """
        Return the answer to a client that fetches a link without opening it, as chat programs and scanners do.

        Current browsers mark a navigation by a person with headers. A client that does not send them gets a page with a
        button that opens the link, if the link can still be opened.
        """
        if scope["method"] != "GET":
            return responses.METHOD
        purposes = [value.lower() for name in PURPOSES for value in _values(scope, name)]
        if any(word in purpose for purpose in purposes for word in AHEAD):
            return responses.PREFETCH
        if len(tokens) == 1 and not pressed and not _navigates(scope):
            return responses.asking(tokens[0]) if self._is_unused(tokens[0]) else self._invalid_link(tokens)
        return None

    async def _serve_websocket(self, session: Session, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app on a WebSocket until the WebSocket or its session ends."""
        loop = asyncio.get_running_loop()
        over = asyncio.Event()

        def end() -> None:
            with suppress(RuntimeError):  # the loop has ended, and with it the connection
                loop.call_soon_threadsafe(over.set)

        withdraw = self._sessions.listen(session, end)
        line = _Line(receive, send, over, self._farewell)
        timer = loop.call_later(max(session.left_s, 0.0), self._sessions.end, session)
        try:
            await self._app(scope, line.receive, line.send)
        finally:
            timer.cancel()
            withdraw()
            await line.drop()


class _Line:
    """A WebSocket that appears closed to the app as soon as its session has ended."""

    def __init__(self, receive: Receive, send: Send, over: asyncio.Event, farewell: bytes) -> None:
        self._receive = receive
        self._send = send
        self._over = over
        self._farewell = farewell
        self._next: asyncio.Task[Message] | None = None
        self._end = asyncio.create_task(over.wait())
        self._accepted = self._closed = False

    async def receive(self) -> Message:
        """Return the next message; a disconnect message once the session has ended."""
        if self._closed:
            return {"type": "websocket.disconnect", "code": REFUSED}
        if self._next is None:
            self._next = asyncio.ensure_future(self._receive())
        await asyncio.wait({self._next, self._end}, return_when=asyncio.FIRST_COMPLETED)
        if self._over.is_set():
            await self._close()
            return {"type": "websocket.disconnect", "code": REFUSED}
        message = self._next.result()
        self._next = None
        return message

    async def send(self, message: Message) -> None:
        """Send a message unless the session has ended."""
        if self._closed or self._over.is_set():
            return
        self._accepted |= message["type"] == "websocket.accept"
        await self._send(message)

    async def drop(self) -> None:
        """Cancel all pending tasks."""
        for task in filter(None, (self._next, self._end)):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def _close(self) -> None:
        self._closed = True
        with suppress(Exception):  # the browser may have disconnected or stopped reading
            async with asyncio.timeout(FAREWELL_S):
                await self._part()

    async def _part(self) -> None:
        if self._accepted and self._farewell:
            await self._send({"type": "websocket.send", "bytes": self._farewell})
        await self._send({"type": "websocket.close", "code": REFUSED, "reason": ""})


def _let_in(scope: Scope) -> None:
    """Notify the connection that the gate accepted its request, if the connection registered a callback."""
    scope.get("state", {}).get(LET_IN, lambda: None)()


async def _discard_body(receive: Receive) -> None:
    """Read and discard the rest of a request for at most ``REST_S`` seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(REST_S):
            while (await receive()).get("more_body"):
                pass


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode(TEXT) for key, value in scope["headers"] if key.lower() == name]


def _navigates(scope: Scope) -> bool:
    """Return whether a browser requests a top-level page, not a frame or a resource of another page."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and _values(scope, b"sec-fetch-mode") == ["navigate"]
        and _values(scope, b"sec-fetch-dest") == ["document"]
    )


def _marked(scope: Scope, session: Session) -> Scope:
    """Return the scope with the session id in ``HEADER`` and without client headers that start with ``PREFIX``."""
    prefix = PREFIX.encode()
    sent = [
        (name, value) for name, value in scope["headers"] if not name.lower().replace(b"_", b"-").startswith(prefix)
    ]
    return {**scope, "headers": [*sent, (HEADER.encode(), session.id.encode())]}
