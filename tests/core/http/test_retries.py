"""HTTP exchange against a real server on loopback."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from dashboard.core.errors import CarrierAnswerError, CarrierUnavailableError
from dashboard.core.http import retries
from dashboard.core.http.session import HttpSession
from tests.carriers.scripted import ACCESS, SECRET
from tests.texts import golden

Fails = Callable[[type[Exception], Callable[[], Any]], str]


class Misbehaving(BaseHTTPRequestHandler):
    """Server that misbehaves by path and records its requests."""

    seen: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        """Misbehave according to the path."""
        self.seen.append((self.path, self.headers.get("Authorization")))
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/target")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"data": ')
        with suppress(ConnectionError):
            for _ in range(40 if self.path == "/trickle" else 0):
                time.sleep(0.02)  # a server that sends slowly
                self.wfile.write(b" ")

    def log_message(self, *_: object) -> None:
        """Suppress the request log."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """Run a misbehaving server."""
    Misbehaving.seen = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join(5)


@pytest.fixture
def local(server: ThreadingHTTPServer, slept: list[float]) -> Iterator[HttpSession]:
    """Open a transport with its own session to the server."""
    opened = HttpSession(f"http://127.0.0.1:{server.server_port}", ACCESS, SECRET, sleep=slept.append)
    yield opened
    opened.close()


def test_an_answer_cut_short_is_asked_for_again(local: HttpSession, fails: Fails) -> None:
    """A truncated answer is requested again, even if it would parse."""
    said = fails(CarrierUnavailableError, lambda: local.get("/cut"))

    assert golden("errors.http.cut_before_whole") in said
    assert retries.ATTEMPTS == len(Misbehaving.seen)


def test_a_redirect_is_not_followed(local: HttpSession, fails: Fails) -> None:
    """The target of a redirect receives no request."""
    fails(CarrierAnswerError, lambda: local.get("/redirect"))

    assert ["/redirect"] == [path for path, _ in Misbehaving.seen]


def test_request_without_connection_is_retried(slept: list[float], fails: Fails) -> None:
    """If no connection was made, any request is repeated, even a POST."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving) as closed:
        port = closed.server_port
    with requests.Session() as session:
        gone = HttpSession(f"http://127.0.0.1:{port}", ACCESS, SECRET, session=session, sleep=slept.append)
        said = fails(CarrierUnavailableError, lambda: gone.request("POST", "/v2/routes", body={}))

    assert retries.ATTEMPTS == len(slept) + 1
    assert "may have been" not in said


@contextmanager
def without_tls(reply: bytes) -> Iterator[tuple[int, list[int]]]:
    """Run a server that answers a TLS handshake with other bytes; yield its port and a list with its connections."""
    accepted: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line:
                        accepted.append(1)
                        line.recv(4096)
                        line.sendall(reply)

        thread = Thread(target=run, daemon=True)
        thread.start()
        yield server.getsockname()[1], accepted
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_port_without_tls_is_an_error_at_once(method: str, slept: list[float], fails: Fails) -> None:
    """Nothing was sent, so nothing may have been carried out; the message names the address and what to check."""
    with without_tls(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, accepted):
        plain = HttpSession(f"https://127.0.0.1:{port}", ACCESS, SECRET, sleep=slept.append)
        said = fails(CarrierAnswerError, lambda: plain.request(method, "/v2/routes", body={}))
        plain.close()

    assert golden("errors.http.no_tls_handshake", port=port) in said
    assert golden("errors.http.was_not_sent", method=method) in said
    assert [1] == accepted


def test_a_handshake_that_is_cut_off_is_repeated(slept: list[float], fails: Fails) -> None:
    """A server that restarts may cut a handshake; the request was not sent, so even a POST is repeated."""
    with without_tls(b"") as (port, accepted):
        cut = HttpSession(f"https://127.0.0.1:{port}", ACCESS, SECRET, sleep=slept.append)
        said = fails(CarrierUnavailableError, lambda: cut.request("POST", "/v2/routes", body={}))
        cut.close()

    assert "may have been" not in said
    assert retries.ATTEMPTS == len(accepted) == len(slept) + 1
