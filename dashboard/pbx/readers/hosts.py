"""Host names in SIP URIs of configurations."""

from __future__ import annotations

import re

_HOST = re.compile(r"(?:<?\s*sips?:)?(?:.*@)?(?P<host>\[[^\]]*\]|[^:;>/?\s]+)", re.IGNORECASE)


def host_of(uri: str) -> str:
    """Return the host of a SIP URI or of a bare ``host:port``; ``""`` if there is none."""
    match = _HOST.match(uri.strip()[:500])
    return match["host"].strip("[]").lower() if match else ""


def has_password(uri: str) -> bool:
    """Return whether a URI has a password before its host."""
    user, at, _ = re.sub(r"^\s*<?\s*sips?:", "", uri, flags=re.IGNORECASE).rpartition("@")
    return bool(at) and ":" in user
