"""Lookup of rows by address: the result equals a linear search."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.checks.evidence.address_rows import AddressIndex

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
