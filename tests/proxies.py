"""Environments that name a proxy."""

from __future__ import annotations

import socket
from contextlib import closing


def closed_proxy() -> dict[str, str]:
    """Return an environment whose proxy, a port on loopback, refuses connections, and that makes no exceptions."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    named = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    return dict.fromkeys(named, url) | dict.fromkeys(("NO_PROXY", "no_proxy"), "")
