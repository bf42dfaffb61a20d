"""Index of rows by IP address, for lookups by address or network in logarithmic time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Generic, TypeVar

Row = TypeVar("Row")
Place = tuple[int, int]
"""Sort key of an address: the IP version and the address as an integer."""


class AddressIndex(Generic[Row]):
    """
    Index of rows by address.

    Args:
        rows: Pairs of address and row; a row with an invalid address is never found.
    """

    def __init__(self, rows: Iterable[tuple[str, Row]]) -> None:
        found: dict[Place, list[tuple[int, Row]]] = {}
        for number, (address, row) in enumerate(rows):
            place = _place(address)
            if place is not None:
                found.setdefault(place, []).append((number, row))
        self._rows = found
        self._places = sorted(found)

    def of(self, network: str) -> list[Row]:
        """Return the rows of a network or an address, in their original order; empty for any other text."""
        ends = _ends(network)
        if ends is None:
            return []
        first, last = ends
        if first == last:
            return [row for _, row in self._rows.get(first, ())]
        places = self._places[bisect_left(self._places, first) : bisect_right(self._places, last)]
        return [row for _, row in sorted((pair for place in places for pair in self._rows[place]), key=lambda p: p[0])]


@lru_cache(maxsize=65536)
def _place(address: str) -> Place | None:
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return found.version, int(found)


@lru_cache(maxsize=65536)
def _ends(network: str) -> tuple[Place, Place] | None:
    try:
        found = ip_network(network)
    except ValueError:
        return None
    return (found.version, int(found.network_address)), (found.version, int(found.broadcast_address))
