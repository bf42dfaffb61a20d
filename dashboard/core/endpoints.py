"""Parsing of endpoints in settings: the origin for the API key, and the syslog target for journal heads."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

PORTS: Final = {"http": 80, "https": 443}
SYSLOG_PORT: Final = 514
LONGEST_SOCKET: Final = 107
"""Maximum length in bytes of a socket's path."""
HOST: Final = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?")
EXAMPLE: Final = "https://api.flowroute.com"


def origin_of(url: str) -> str:
    """
    Return the origin of a URL (scheme, host and port) in canonical form.

    Raises:
        ValueError: The URL is not a valid http or https URL of a host, or contains a user name.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port
    is_valid = not re.search(r"[\s\x00-\x1f\x7f]", url) and parts.scheme in PORTS and HOST.fullmatch(host) and port != 0
    if not is_valid or "@" in parts.netloc:
        raise ValueError("not an http or https address of a host")
    host_text = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host_text}" + (f":{port}" if port and port != PORTS[parts.scheme] else "")


def key_origin(url: str) -> str:
    """
    Return the origin of a URL that the API key may be sent to.

    Raises:
        ValueError: The URL is not an origin, or would send the key in clear text; the message continues the setting's
            name.
    """
    try:
        user, _, host = urlsplit(url).netloc.rpartition("@")
        origin = origin_of(url.replace(f"{user}@", "", 1))
    except ValueError:
        raise ValueError(f"is not an address such as {EXAMPLE}") from None
    if host != urlsplit(url).netloc:
        raise ValueError(f"names a user, and requests are signed with the key alone: use {origin}")
    if urlsplit(url).path not in {"", "/"} or "?" in url or "#" in url:
        raise ValueError(f"must end with the host: use {origin}")
    if origin.startswith("http:") and not is_loopback(origin):
        raise ValueError(f"{origin} would send the key in clear; use https")
    return origin


def is_loopback(url: str) -> bool:
    """Return whether the host of a URL is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def syslog_target(text: str) -> str | tuple[str, int]:
    """
    Parse a syslog target: the path of a socket, or host and port for UDP.

    Args:
        text: Such as ``/dev/log``, ``loghost``, ``loghost:514`` or ``[2001:db8::1]:514``.

    Raises:
        ValueError: The text is neither, or the path is not a socket; the message continues the setting's name.
    """
    if text.startswith("/"):
        path = Path(text)
        if not text.isprintable() or len(text.encode()) > LONGEST_SOCKET:
            raise ValueError(f"is not the path of a socket, which has {LONGEST_SOCKET} bytes at most, such as /dev/log")
        if path.exists() and not path.is_socket():
            raise ValueError(
                f"is {text}, and that is not a socket: use the socket that the syslog made, such as /dev/log"
            )
        return text
    try:
        parts = urlsplit(f"//{text}")
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        host = ""
        port = None
    plain = f"[{host}]" if ":" in host else host
    if not HOST.fullmatch(host) or port == 0 or text.lower() not in {plain, f"{plain}:{port}"}:
        raise ValueError(
            "is neither the path of a socket, such as /dev/log, nor HOST or HOST:PORT with a port from 1 to 65535"
        )
    return host, port or SYSLOG_PORT
