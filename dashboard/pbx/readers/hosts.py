"""Hosts of SIP URIs, as configurations write them."""

from __future__ import annotations

import re

_HOST = re.compile(r"(?:<?\s*sips?:)?(?:.*@)?(?P<host>\[[^\]]*\]|[^:;>/?\s]+)", re.IGNORECASE)


def host_of(uri: str) -> str:
    """Return the host of a SIP URI, or of what stands for one."""
    found = _HOST.match(uri.strip()[:500])
    return found["host"].strip("[]").lower() if found else ""


def has_password(uri: str) -> bool:
    """Say whether a URI has a password in front of its host."""
    user, at, _ = re.sub(r"^\s*<?\s*sips?:", "", uri, flags=re.IGNORECASE).rpartition("@")
    return bool(at) and ":" in user
