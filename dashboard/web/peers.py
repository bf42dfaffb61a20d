"""Which user of this machine is at the other end of a loopback connection, from the kernel's own table."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Final

TABLES: Final = {Path("/proc/net/tcp"): "", Path("/proc/net/tcp6"): "0000000000000000FFFF0000"}
"""The kernel's tables, and how an IPv4 address begins in each: a socket of IPv6 can be at 127.0.0.1 too."""
ESTABLISHED: Final = "01"
"""Rows in other states lose their user: a connection that is being closed shows 0, which is root."""
KNOWN: Final = Path("/proc/net/tcp").exists()
"""Whether this system tells at all."""


def uid_of(client: tuple[str, int] | None, server: tuple[str, int] | None) -> int | None:
    """
    Return the uid of the process that holds the client's end of a connection on this machine.

    Args:
        client: Address and port of the client.
        server: Address and port of the server.

    Returns:
        ``None`` where there is no such established connection or the system does not tell.
    """
    if client is None or server is None:
        return None
    for table, prefix in TABLES.items():
        uid = _look(table, prefix + _entry(client), prefix + _entry(server))
        if uid is not None:
            return uid
    return None


def _look(table: Path, local: str, remote: str) -> int | None:
    try:
        text = table.read_text(encoding="ascii")
    except OSError:
        return None
    place = text.find(f" {local} {remote} {ESTABLISHED} ")
    return int(text[place:].split(maxsplit=7)[6]) if place >= 0 else None


def _entry(end: tuple[str, int]) -> str:
    """Return one end of a connection as the kernel writes it."""
    return f"{int.from_bytes(socket.inet_aton(end[0]), sys.byteorder):08X}:{end[1]:04X}"
