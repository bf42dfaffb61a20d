"""Requests to servers on this machine reach them whatever proxy the environment names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from dashboard.core.http import loopback
from tests.proxies import closed_proxy
from tests.texts import golden_pattern
from tests.waiting import WAIT_S


@pytest.fixture
def server() -> Iterator[str]:
    """Run a server that redirects to another host."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Redirect."""
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}/"
        listening.shutdown()


def test_no_proxy_and_no_redirect(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment is not asked, and the answer is the server's own."""
    for name, value in closed_proxy().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(requests.ConnectionError):
        requests.get(server, timeout=WAIT_S)

    assert 302 == loopback.get(server, timeout_s=WAIT_S).status_code


@pytest.mark.parametrize("url", ["http://192.0.2.1/", "https://example.net", ""])
def test_other_hosts_are_refused(url: str) -> None:
    """Requests to other hosts need the proxy and the limits of the other modules."""
    with pytest.raises(ValueError, match=golden_pattern("errors.http.not_on_this_machine")):
        loopback.get(url, timeout_s=1)
