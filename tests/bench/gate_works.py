"""Workload: requests to a small app behind the gate and behind a pass-through middleware, in alternating turns."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from dashboard.services.access.links import Link
from dashboard.web import peers
from dashboard.web.gate import Gate, policy
from dashboard.web.sessions import MemorySessions, Session
from tests.waiting import until

START_S = 30
WARM_UP = 20
SESSIONS = 20
"""Number of browsers with a session; the gate compares a cookie with each."""


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request with a few bytes."""
    del receive
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


class PassThrough:
    """Baseline cost of any middleware: call the app and forward its messages."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Forward every request and response unchanged."""

        async def send_on(message: Any) -> None:
            await send(message)

        await self._app(scope, receive, send_on)


@contextmanager
def running(app: Any, listening: socket.socket) -> Iterator[int]:
    """Run an app on a socket for the duration of the block; yield its port."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    until(lambda: server.started, every_s=0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def bound() -> socket.socket:
    """Return a socket on a free loopback port, created as TCP explicitly so that asyncio disables Nagle's algorithm."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    return listening


def asked(line: http.client.HTTPConnection, headers: dict[str, str]) -> float:
    """Send one request over an open connection; return the seconds it took."""
    begun = time.perf_counter()
    line.request("GET", "/static/js/index.js", headers=headers)
    found = line.getresponse()
    body = found.read()
    took = time.perf_counter() - begun
    if (found.status, body) != (200, b"ok"):
        raise RuntimeError(f"The app answered {found.status}: {body[:200]!r}")
    return took


def by_turns(requests: int) -> dict[str, list[float]]:
    """
    Send requests to both apps in alternating turns, each over one connection.

    Args:
        requests: Number of requests to each app.

    Returns:
        Seconds of each request, by ``gate`` and ``pass-through``.
    """
    gated = bound()
    bare = bound()
    sessions = MemorySessions()
    port = gated.getsockname()[1]
    uid = os.geteuid() if peers.KNOWN else None
    cookies = [sessions.add(Session(made_by="bench", uid=uid)) for _ in range(SESSIONS)]
    gate = Gate(
        answer, port=port, sessions=sessions, use_link=_no_link, is_unused=lambda _: False, content_policy=policy()
    )
    took: dict[str, list[float]] = {"gate": [], "pass-through": []}
    with running(gate, gated), running(PassThrough(answer), bare):
        lines = {
            "gate": http.client.HTTPConnection("127.0.0.1", port, timeout=START_S),
            "pass-through": http.client.HTTPConnection("127.0.0.1", bare.getsockname()[1], timeout=START_S),
        }
        headers = {"Cookie": f"trunkgate_{port}={cookies[-1]}", "Sec-Fetch-Site": "same-origin"}
        for turn in range(-WARM_UP, requests):
            for name, line in lines.items():
                seconds = asked(line, headers)
                if turn >= 0:
                    took[name].append(seconds)
        for line in lines.values():
            line.close()
    return took


def _no_link(_token: str) -> Link | None:
    return None
