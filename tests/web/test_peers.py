"""The user at the other end of a loopback connection, from netlink and from the kernel's tables."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from dashboard.web import peers
from tests.waiting import until

End = tuple[str, int]
NOBODY = 65534

pytestmark = pytest.mark.skipif(not peers.KNOWN, reason="NOT AVAILABLE: /proc/net/tcp, which tells the user")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Listen on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def connected(listening: socket.socket, uid: int, *, family: int = socket.AF_INET, source: str = "") -> socket.socket:
    """Return a connection whose client socket is owned by the given user."""
    os.seteuid(uid)
    try:
        line = socket.socket(family)
    finally:
        os.seteuid(0)
    if source:
        line.bind((source, 0))
    host, port = listening.getsockname()
    line.connect((f"::ffff:{host}", port) if family == socket.AF_INET6 else (host, port))
    return line


def ends(line: socket.socket) -> tuple[End, End]:
    """Return the local and remote ends as a server sees them."""
    (here, port, *_), (there, at, *_) = line.getsockname(), line.getpeername()
    return (here.removeprefix("::ffff:"), port), (there.removeprefix("::ffff:"), at)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT AVAILABLE: root, which alone can act as another user")
@pytest.mark.parametrize("way", [peers.uid_of, peers.search_tables], ids=["asked", "looked up"])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "mapped"])
def test_connection_owner_is_the_client(
    listening: socket.socket, way: Callable[[End, End], int | None], family: int
) -> None:
    """The lookup returns the owner of the client's end, whoever runs the server, also for an IPv6 socket."""
    for uid in (0, NOBODY):
        with connected(listening, uid, family=family) as line:
            client, server = ends(line)

            assert uid == way(client, server)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT AVAILABLE: root, which alone can act as another user")
@pytest.mark.parametrize("way", [peers.uid_of, peers.search_tables], ids=["asked", "looked up"])
def test_another_address_of_loopback_is_another_connection(
    listening: socket.socket, way: Callable[[End, End], int | None]
) -> None:
    """Connections from 127.0.0.1 and 127.0.0.5 are distinct, even with the same ports."""
    with connected(listening, 0) as mine, connected(listening, NOBODY, source="127.0.0.5") as other:
        client, server = ends(mine)
        stranger, _ = ends(other)

        assert way(client, server) == 0
        assert way(stranger, server) == NOBODY
        assert way(("127.0.0.5", client[1]), server) is None


@pytest.mark.parametrize("way", [peers.uid_of, peers.search_tables], ids=["asked", "looked up"])
def test_what_is_not_an_open_connection_belongs_to_nobody(
    listening: socket.socket, way: Callable[[End, End], int | None]
) -> None:
    """A free port, a listening port, and a connection that the client has begun to close have no owner."""
    server = listening.getsockname()
    line = socket.create_connection(server)
    client, _ = ends(line)
    assert way(client, server) == os.geteuid()
    assert way(("127.0.0.1", 1), server) is None
    assert way(server, ("0.0.0.0", 0)) is None  # noqa: S104 - the kernel's remote end of a listening socket

    line.shutdown(socket.SHUT_WR)

    until(lambda: way(client, server) is None)
    line.close()
    until(lambda: way(client, server) is None)


def test_without_addresses_nothing_is_known() -> None:
    """Without an address at one end, as over a Unix socket, the result is ``None``."""
    assert peers.uid_of(None, ("127.0.0.1", 1)) is None
    assert peers.uid_of(("127.0.0.1", 1), None) is None
