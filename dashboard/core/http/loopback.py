"""
Requests to the product's own servers on loopback.

They never use a proxy: a proxy of the environment (``HTTP_PROXY``) has another loopback, and answers for another host.
"""

from __future__ import annotations

import requests

from dashboard.core.endpoints import is_loopback


def get(url: str, *, timeout_s: float) -> requests.Response:
    """
    Send a GET request to a server on this machine; no setting of the environment applies, and no redirect is followed.

    Args:
        url: URL whose host is on loopback.
        timeout_s: Timeout to connect, and between two reads, in seconds.

    Raises:
        ValueError: The host is not on loopback.
        requests.RequestException: There is no valid answer.
    """
    if not is_loopback(url):
        raise ValueError(f"{url} is not on this machine")
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=timeout_s, allow_redirects=False)
