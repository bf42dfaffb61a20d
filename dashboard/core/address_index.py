"""Index of rows by address or network: which rows cover an address, and which lie inside a network."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Generic, TypeVar

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Row = TypeVar("Row")
Block = tuple[int, int, int]
"""A network: IP version, number of host bits, and leading bits."""


class AddressIndex(Generic[Row]):
    """
    Index of rows by address or network; its lookups do not search the rows one by one.

    Args:
        rows: Pairs of address or network in CIDR notation, and row; a row with any other text is never found.
    """

    def __init__(self, rows: Iterable[tuple[str, Row]]) -> None:
        self._rows: dict[Block, list[tuple[int, Row]]] = {}
        hosts: set[str] = set()
        for number, (text, row) in enumerate(rows):
            entry = _entry(text)
            if entry is not None:
                host, block = entry
                self._rows.setdefault(block, []).append((number, row))
                if not block[1]:
                    hosts.add(host)
        self._hosts = frozenset(hosts)
        self._host_bits: dict[int, list[int]] = {}
        for version, bits in sorted({block[:2] for block in self._rows}):
            self._host_bits.setdefault(version, []).append(bits)
        self._has_wide_ipv4 = any(self._host_bits.get(4, ()))

    def covers(self, address: str) -> bool:
        """Return whether a row's address or network contains an address; False for any other text."""
        if address in self._hosts:
            return True
        if ":" not in address and not self._has_wide_ipv4:
            return False  # an IPv4 address has only one textual form
        return any(block in self._rows for block in self._blocks(address))

    def covering(self, address: str) -> list[Row]:
        """Return the rows that contain an address, the narrowest network first, else in their original order."""
        return [row for block in self._blocks(address) for _, row in self._rows.get(block, ())]

    def of(self, network: str) -> list[Row]:
        """Return the rows inside a network or an address, in their original order; empty for any other text."""
        found = as_network(network)
        if found is None:
            return []
        first = int(found.network_address)
        if found.num_addresses == 1:
            return [row for _, row in self._rows.get((found.version, 0, first), ())]
        last = int(found.broadcast_address)
        places = self._places
        low = bisect_left(places, (found.version, first))
        high = bisect_right(places, (found.version, last, found.max_prefixlen))
        inside = [block for version, start, bits, block in places[low:high] if start + (1 << bits) - 1 <= last]
        return [row for _, row in sorted((pair for block in inside for pair in self._rows[block]), key=lambda p: p[0])]

    def _blocks(self, address: str) -> Iterable[Block]:
        """Yield each block that contains an address and has a length of a row, the narrowest first."""
        found = as_address(address)
        if found is not None:
            value = int(found)
            zone = getattr(found, "scope_id", None)
            for bits in self._host_bits.get(found.version, ()):
                if bits or not zone:  # a zone makes another address of an IPv6 address
                    yield found.version, bits, value >> bits

    @cached_property
    def _places(self) -> list[tuple[int, int, int, Block]]:
        """IP version, first address and number of host bits of each block, sorted."""
        return sorted((block[0], block[2] << block[1], block[1], block) for block in self._rows)


@lru_cache(maxsize=65536)
def _entry(text: str) -> tuple[str, Block] | None:
    """Parse an entry into its first address and its block."""
    network = as_network(text)
    if network is None:
        return None
    bits = network.max_prefixlen - network.prefixlen
    return str(network.network_address), (network.version, bits, int(network.network_address) >> bits)


@lru_cache(maxsize=65536)
def as_address(text: str) -> Address | None:
    """Return the address that a text is; ``None`` for any other text."""
    try:
        return ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def as_network(text: str) -> Network | None:
    """Return the network that a text is, also of a single address; ``None`` for any other text."""
    try:
        return ip_network(text)
    except ValueError:
        return None
