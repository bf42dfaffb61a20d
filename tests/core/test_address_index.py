"""Lookup of rows by address or network: the result equals a linear search."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.core.address_index import AddressIndex

V4 = st.ip_addresses(v=4, network="198.51.100.0/27").map(str)
V6 = st.ip_addresses(v=6, network="2001:db8::/123").map(str)


@st.composite
def networks(draw):
    """Draw an address, or a network that contains it."""
    text, length = draw(st.one_of(st.tuples(V4, st.integers(24, 32)), st.tuples(V6, st.integers(120, 128))))
    return str(ip_network(f"{text}/{length}", strict=False))


@given(addresses=st.lists(st.one_of(V4, V6, st.sampled_from(["", "nowhere"]))), network=networks())
def test_it_finds_what_one_by_one_finds(addresses, network):
    """The lookup returns exactly the rows within the network, in their original order."""
    rows = list(enumerate(addresses))

    def covered(text):
        try:
            found = ip_address(text)
        except ValueError:
            return False
        return found.version == ip_network(network).version and found in ip_network(network)

    assert AddressIndex((text, row) for row in rows for text in [row[1]]).of(network) == [
        r for r in rows if covered(r[1])
    ]


@pytest.mark.parametrize("network", ["", "denver", "198.51.100.1/24", "198.51.100.300", "198.51.100.0/33"])
def test_what_is_no_network_finds_nothing(network):
    """An invalid entry covers no address; neither does a network with host bits set."""
    assert AddressIndex([("198.51.100.1", 1), ("", 2), (network, 3)]).of(network) == []


def test_an_address_is_found_however_it_is_written():
    """Different notations of an IPv6 address give the same rows."""
    assert AddressIndex([("2001:db8:0::1", "row")]).of("2001:0db8::1") == ["row"]


LISTED = ("198.51.100.0/24", "198.51.100.7", "198.51.100.0/28", "198.51.100.7/32", "2001:db8::/64", "denver")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.7", ["198.51.100.7", "198.51.100.7/32", "198.51.100.0/28", "198.51.100.0/24"]),
        ("198.51.100.77", ["198.51.100.0/24"]),
        ("2001:0db8::1", ["2001:db8::/64"]),
        ("203.0.113.7", []),
        ("198.51.100.0/28", []),
        ("denver", []),
    ],
)
def test_rows_that_contain_an_address_begin_with_the_narrowest(address: str, expected: list[str]) -> None:
    """Every network that contains the address is found, each length once."""
    index = AddressIndex((text, text) for text in LISTED)

    assert expected == index.covering(address)
    assert bool(expected) == index.covers(address)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("198.51.100.0/24", [0, 1, 2, 3]),
        ("198.51.100.0/25", [1, 2, 3]),
        ("198.51.100.0/29", [1, 3]),
        ("198.51.100.7", [1, 3]),
        ("198.51.0.0/16", [0, 1, 2, 3]),
        ("::/0", [4]),
    ],
)
def test_networks_are_found_inside_wider_ones(network: str, expected: list[int]) -> None:
    """A row that is a network is inside another one only as a whole."""
    assert expected == AddressIndex((text, number) for number, text in enumerate(LISTED)).of(network)
