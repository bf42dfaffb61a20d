"""Single requests against a real server on loopback: limits, authentication, and errors that belong to no system."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from threading import Thread
from typing import Any

import pytest
import requests
from requests.auth import AuthBase

from dashboard.carriers.flowroute.downloads import Unsigned
from dashboard.core.http import exchange
from dashboard.core.http.exchange import (
    CertificateError,
    EncodingError,
    Fault,
    HttpError,
    RedirectError,
    TooLargeError,
    TransientError,
)
from tests.carriers.scripted import ACCESS, SECRET
from tests.texts import golden_pattern
from tests.waiting import WAIT_S

requests_seen: list[bytes] = []
"""Requests that the last server received."""
QUICK_S = (1.0, 0.05)
"""Timeouts to connect and to read, in seconds."""


class Header(AuthBase):
    """Authentication by a header, as a client with a token uses it."""

    def __call__(self, request: Any) -> Any:
        """Set the header."""
        request.headers["Authorization"] = "Token made-up"
        return request


@contextmanager
def serving(respond: Callable[[socket.socket], None]) -> Iterator[str]:
    """Answer one connection with a function of the socket, and yield the URL."""
    requests_seen.clear()

    def accept(listening: socket.socket) -> None:
        peer, _ = listening.accept()
        with peer, suppress(OSError):  # until the client has disconnected
            requests_seen.append(peer.recv(65_536))
            respond(peer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Thread(target=accept, args=[listening], daemon=True)
        server.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.join(WAIT_S)


def response(status: str, body: bytes = b"", *headers: bytes) -> Callable[[socket.socket], None]:
    """Return a function that sends a whole response."""
    lines = (f"HTTP/1.1 {status}".encode(), b"Content-Length: %d" % len(body), b"Connection: close", *headers)
    return lambda peer: peer.sendall(b"\r\n".join((*lines, b"", body)))


def trickle(prefix: bytes) -> Callable[[socket.socket], None]:
    """Return a function that sends a prefix, and then one byte at a time within the read timeout."""

    def send(peer: socket.socket) -> None:
        for byte in chain([prefix], repeat(b"a", 200)):
            peer.sendall(byte)
            time.sleep(0.01)  # a server that sends slowly

    return send


def read(url: str, *, most: int = 1000, limit_s: float = 60.0) -> bytes:
    """Send a request in a session of the module, and return the content of the response."""
    with exchange.open_session() as session:  # noqa: SIM117 - the response is closed before its session
        with exchange.send(session, "GET", url, auth=Unsigned(), timeout_s=QUICK_S) as answer:
            return b"".join(exchange.pieces(answer, most=most, limit_s=limit_s))


def test_content_is_returned() -> None:
    """A response within the limits is read to its end."""
    with serving(response("200 OK", b"text")) as url:
        assert b"text" == read(url)


@pytest.mark.parametrize(
    ("respond", "error", "fault"),
    [
        (response("302 Found", b"", b"Location: /elsewhere"), RedirectError, None),
        (response("200 OK", b"x" * 1001), TooLargeError, None),
        (response("200 OK", b"\x1f\x8bno", b"Content-Encoding: gzip"), EncodingError, None),
        (response("503 Service Unavailable"), TransientError, Fault.STATUS),
        (response("429 Too Many Requests"), TransientError, Fault.STATUS),
        (lambda peer: peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), TransientError, Fault.CONNECTION),
        (lambda peer: peer.recv(1), TransientError, Fault.TIMEOUT),
        (trickle(b"HTTP/1.1 200 OK\r\nX-A: "), TransientError, Fault.CONNECTION),
    ],
    ids=["redirect", "large", "encoding", "503", "429", "cut", "silent", "endless headers"],
)
def test_unusable_response_is_an_error_of_no_system(
    respond: Callable[[socket.socket], None], error: type[HttpError], fault: Fault | None
) -> None:
    """Each failure has its class, so that a client can translate it into its own errors."""
    with serving(respond) as url, pytest.raises(error) as caught:
        read(url)

    assert fault == getattr(caught.value, "fault", None)


def test_time_limit_covers_the_whole_response() -> None:
    """Slow single bytes do not reset the time limit."""
    with (
        serving(trickle(b"HTTP/1.1 200 OK\r\n\r\n")) as url,
        pytest.raises(TransientError, match=golden_pattern("errors.http.did_not_end_in_time")) as caught,
    ):
        read(url, limit_s=0.05)

    assert Fault.DURATION == caught.value.fault


def test_no_setting_of_the_environment_signs_a_request(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the session's headers nor the operator's netrc file sign an unsigned request."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {ACCESS} password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    with serving(response("200 OK")) as url, exchange.open_session() as session:
        session.headers["Authorization"] = "Basic something"
        exchange.send(session, "GET", url, auth=Unsigned()).close()

    assert b"authorization" not in requests_seen[0].lower()


def test_the_authentication_given_is_used() -> None:
    """A request has the header of its authentication, and the product's name."""
    with serving(response("200 OK")) as url, exchange.open_session() as session:
        exchange.send(session, "GET", url, auth=Header()).close()

    assert b"Authorization: Token made-up" in requests_seen[0]
    assert b"User-Agent: trunkgate/" in requests_seen[0]


def test_unverified_certificate_is_an_error_of_its_own() -> None:
    """A refused certificate is no transient failure: the same request fails again."""

    class Refusing(requests.adapters.BaseAdapter):
        def send(self, *_: Any, **__: Any) -> requests.Response:
            raise requests.exceptions.SSLError(ssl_error)

        def close(self) -> None:
            """Do nothing: the adapter holds no resources."""

    ssl_error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    with exchange.open_session() as session:
        session.mount("https://", Refusing())
        with pytest.raises(CertificateError, match=r"netbox\.example\.net"):
            exchange.send(session, "GET", "https://netbox.example.net/", auth=Unsigned())
