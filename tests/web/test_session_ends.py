"""End of open WebSockets when their session ends, and the session header that the gate passes to the app."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from dashboard.web.gate import Gate, policy
from dashboard.web.sessions import MemorySessions, Session

T = TypeVar("T")
PORT = 8501
LONGEST_S = 600
FAREWELL = b"farewell"
HOST = (b"host", b"127.0.0.1:8501")
ORIGIN = (b"origin", b"http://127.0.0.1:8501")


def in_a_thread(play: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in its own thread; a browser fixture of the same worker keeps a loop running in this one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, play).result()


class Browser:
    """The client's end of one WebSocket, and the gate and app that serve it."""

    def __init__(self, sessions: MemorySessions, cookie: str, *headers: tuple[bytes, bytes]) -> None:
        self.to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.app_saw: list[str] = []
        self.scopes: list[Any] = []
        self.opened = asyncio.Event()
        self.gate = Gate(self._app, port=PORT, sessions=sessions, use_link=lambda _: None,
                    is_unused=lambda _: False, content_policy=policy(),
                         farewell=FAREWELL, peer=None)  # fmt: skip
        self.headers = [HOST, ORIGIN, (b"cookie", f"trunkgate_{PORT}={cookie}".encode()), *headers]

    async def run(self) -> None:
        """Open the WebSocket and wait until it ends."""
        await self.to_app.put({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/_stcore/stream", "headers": self.headers}
        await asyncio.wait_for(self.gate(scope, self.to_app.get, self._take), LONGEST_S)

    async def _take(self, message: Any) -> None:
        self.sent.append(dict(message))

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        while True:
            message = await receive()
            self.app_saw.append(message["type"])
            if message["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
                self.opened.set()
            elif message["type"] == "websocket.disconnect":
                await send({"type": "websocket.send", "bytes": b"too late"})
                return
            else:
                await send({"type": "websocket.send", "bytes": message["bytes"]})


def test_all_tabs_of_a_session_end_with_it() -> None:
    """
    When a session ends, each of its tabs gets the farewell and a close, and nothing more from the app.

    The farewell makes the browser load the page that states the reason.
    """

    async def play() -> list[Browser]:
        sessions = MemorySessions()
        session = Session(made_by="kim")
        cookie = sessions.add(session)
        tabs = [Browser(sessions, cookie) for _ in range(2)]
        running = [asyncio.create_task(tab.run()) for tab in tabs]
        await asyncio.gather(*(tab.opened.wait() for tab in tabs))
        await tabs[0].to_app.put({"type": "websocket.receive", "bytes": b"hello"})
        while len(tabs[0].sent) < 2:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0)
        await asyncio.to_thread(sessions.end, session)  # as from the thread of a page run
        await asyncio.gather(*running)
        assert sessions.by_cookie(cookie) is None
        assert session.listeners == []
        return tabs

    first, second = in_a_thread(play())

    assert [message["type"] for message in second.sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert [message.get("bytes") for message in first.sent] == [None, b"hello", FAREWELL, None]
    assert first.app_saw[-1] == second.app_saw[-1] == "websocket.disconnect"


def test_a_session_that_is_over_ends_its_websocket_by_itself() -> None:
    """A WebSocket is closed when its session expires by the monotonic clock."""

    async def play() -> Browser:
        sessions = MemorySessions()
        session = Session(made_by="kim")
        cookie = sessions.add(session)
        session.until -= session.left_s - 0.2
        tab = Browser(sessions, cookie)
        await tab.run()
        return tab

    assert in_a_thread(play()).sent[-1]["type"] == "websocket.close"


def test_a_closed_browser_leaves_no_listener() -> None:
    """A closed tab leaves no listener, because a session lasts for days and may have thousands of tabs."""

    async def play() -> Session:
        sessions = MemorySessions()
        session = Session(made_by="kim")
        tab = Browser(sessions, sessions.add(session))
        running = asyncio.create_task(tab.run())
        await tab.opened.wait()
        assert len(session.listeners) == 1
        await tab.to_app.put({"type": "websocket.disconnect"})
        await running
        return session

    assert in_a_thread(play()).listeners == []


@pytest.mark.parametrize(
    "name", ["x-trunkgate-session", "X-Trunkgate-Session", "x_trunkgate_session", "X-TRUNKGATE-Role"]
)
def test_app_gets_only_the_session_header_of_the_gate(name: str) -> None:
    """Whatever a client sends under such a name, the app gets one header: the session id, which is not the cookie."""

    async def play() -> tuple[Any, Session, str]:
        sessions = MemorySessions()
        session = Session(made_by="kim")
        cookie = sessions.add(session)
        tab = Browser(sessions, cookie, (name.encode(), b"forged"))
        await tab.to_app.put({"type": "websocket.disconnect"})
        await tab.run()
        return tab.scopes[0], session, cookie

    scope, session, cookie = in_a_thread(play())

    ours = [(key, value) for key, value in scope["headers"] if b"trunkgate" in key.lower()]
    assert [(b"x-trunkgate-session", session.id.encode())] == ours
    assert session.id not in cookie
