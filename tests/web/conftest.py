"""Fixtures and helpers that run the dashboard's web server as a process and send it requests over plain sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from dashboard.services.access import links
from tests.waiting import until

STOP_S = 600
ASK_S = 300
ROOT = Path(__file__).parents[2]
NAVIGATION = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
"""Headers with which a browser marks a navigation by a person."""
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@dataclass(frozen=True)
class Answer:
    """A parsed HTTP response."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Web:
    """A running web server."""

    port: int
    home: Path
    pid: int
    log: Path

    @property
    def host(self) -> str:
        """Return the value of the dashboard's Host header."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Return the origin of the dashboard."""
        return f"http://{self.host}"

    def connect(self) -> socket.socket:
        """Open a TCP connection to the server."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=ASK_S)

    def ask(
        self,
        path: str = "/",
        *headers: str,
        method: str = "GET",
        host: str | None = "",
        over: socket.socket | None = None,
    ) -> Answer:
        """
        Send one HTTP/1.1 request and return the response.

        Args:
            path: Path and query.
            headers: Header lines, sent unchanged.
            method: Request method.
            host: Value of the Host header; empty for the dashboard's own, ``None`` to omit the header.
            over: Unconnected socket to use; ``None`` for a new connection.
        """
        if over is not None:
            over.settimeout(ASK_S)
            over.connect(("127.0.0.1", self.port))
        named = [] if host is None else [f"Host: {host or self.host}"]
        lines = [f"{method} {path} HTTP/1.1", *named, "Connection: close", *headers, "", ""]
        with closing(over or self.connect()) as line:
            line.sendall("\r\n".join(lines).encode("latin-1"))
            return _answer(line)

    def upgrade(self, *headers: str, host: str = "", over: socket.socket | None = None) -> int:
        """Request the WebSocket of the pages and return the status: 101 if it opens."""
        asked = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}")
        asked += ("Sec-WebSocket-Protocol: streamlit",)
        if over is not None:
            over.settimeout(ASK_S)
            over.connect(("127.0.0.1", self.port))
        lines = ["GET /_stcore/stream HTTP/1.1", f"Host: {host or self.host}", "Connection: Upgrade", *asked, *headers]
        with closing(over or self.connect()) as line:
            line.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            return int(line.recv(4096).split()[1])

    def enter(self, name: str = "") -> str:
        """Open a new link and return the Cookie header of its session."""
        answer = self.ask(f"/enter?token={links.make(self.home, name=name)}", *NAVIGATION)
        assert answer.status == 200, answer.body
        return f"Cookie: {answer.headers['set-cookie'].partition(';')[0]}"


def _answer(line: socket.socket) -> Answer:
    data = b""
    while chunk := line.recv(65536):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    return Answer(int(first.split()[1]), headers, body.decode(errors="replace"))


def start(home: Path, log: Path, *program: str, **environment: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server on a free port, wait until it accepts connections, and return its process and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    arguments = [each.format(port=port) for each in program or ("-m", "dashboard.web.server", "--port", "{port}")]
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=log.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TRUNKGATE_HOME": str(home), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    until(lambda: _listens(port), going=lambda: child.poll() is None, say=log.read_text)
    return child, port


def _listens(port: int) -> bool:
    """Return whether a server accepts connections on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def stop(child: subprocess.Popen[bytes]) -> None:
    """Terminate a server; kill it if it does not stop within ``STOP_S``."""
    child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Run the web server on an empty home; no test opens the account on it."""
    home = tmp_path_factory.mktemp("web")
    log = tmp_path_factory.mktemp("web-log") / "web.log"
    child, port = start(home, log)
    yield Web(port, home, child.pid, log)
    stop(child)
