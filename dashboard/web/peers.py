"""Lookup of the local user at the other end of a loopback connection, from the kernel."""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path
from typing import Final

TABLES: Final = {Path("/proc/net/tcp"): "", Path("/proc/net/tcp6"): "0000000000000000FFFF0000"}
"""Kernel table to the prefix of an IPv4 address in it; an IPv6 socket can be at 127.0.0.1 too."""
KNOWN: Final = Path("/proc/net/tcp").exists()
"""Whether this system provides the user of a connection."""

ESTABLISHED: Final = 1
"""State of an established connection. Others lose their user: a closing connection shows uid 0, which is root."""

SOCK_DIAG, BY_FAMILY, REQUEST = 4, 20, 1
"""Kernel constants: NETLINK_SOCK_DIAG (the protocol of ``ss``), SOCK_DIAG_BY_FAMILY, and NLM_F_REQUEST."""
HEADER: Final = struct.Struct("=IHHII")
ENDS: Final = struct.Struct("!HH4s12x4s12x")
ABOUT: Final = struct.Struct("=BBBxI")
ANSWER: Final = struct.Struct("=BBxx4s44x12xI")
"""Fields: family, state, both ports, other identifiers of the connection, three counters, and the uid."""
ANY: Final = 0xFFFFFFFF

End = tuple[str, int]


def uid_of(client: End | None, server: End | None) -> int | None:
    """
    Return the uid of the process that holds the client's end of a connection on this machine.

    Args:
        client: Address and port of the client.
        server: Address and port of the server.

    Returns:
        The uid; ``None`` if no such established connection exists or the system does not provide it.
    """
    if client is None or server is None:
        return None
    uid = query_netlink(client, server)
    return uid if uid is not None else search_tables(client, server)


def query_netlink(client: End, server: End) -> int | None:
    """
    Query the kernel for this one connection over netlink, which takes microseconds.

    Returns:
        The uid; ``None`` if the connection does not exist or netlink is not available.
    """
    ends = ENDS.pack(client[1], server[1], socket.inet_aton(client[0]), socket.inet_aton(server[0]))
    question = ABOUT.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, ANY) + ends + struct.pack("=III", 0, ANY, ANY)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, SOCK_DIAG) as line:
            line.settimeout(1)
            line.send(HEADER.pack(HEADER.size + len(question), BY_FAMILY, REQUEST, 1, 0) + question)
            answer = line.recv(4096)
    except (OSError, AttributeError):
        return None
    if HEADER.unpack_from(answer)[1] != BY_FAMILY:
        return None
    _family, state, ports, uid = ANSWER.unpack_from(answer, HEADER.size)
    matches = state == ESTABLISHED and ports == struct.pack("!HH", client[1], server[1])
    return int(uid) if matches else None


def search_tables(client: End, server: End) -> int | None:
    """
    Look up a connection in the kernel's tables.

    The function reads each table in full, which takes tens of milliseconds on a large machine.
    """
    for table, prefix in TABLES.items():
        try:
            text = table.read_text(encoding="ascii")
        except OSError:
            continue
        position = text.find(f" {prefix}{_entry(client)} {prefix}{_entry(server)} {ESTABLISHED:02X} ")
        if position >= 0:
            return int(text[position:].split(maxsplit=7)[6])
    return None


def _entry(end: End) -> str:
    """Return one end of a connection in the format of the kernel's tables."""
    return f"{int.from_bytes(socket.inet_aton(end[0]), sys.byteorder):08X}:{end[1]:04X}"
