"""Addresses: validity for the allow list, and membership in it."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.core.addresses import SPECIAL_PURPOSE, contains, covering, membership, parse_entry, special_purpose
from dashboard.core.errors import AddressError
from tests.texts import golden

DOCUMENTATION = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")

WRONG = {
    "": golden("errors.addresses.is_empty"),
    "   ": golden("errors.addresses.is_empty"),
    "=1+1": "=1+1 " + golden("errors.addresses.is_formula"),
    "+8.8.8.8": golden("errors.addresses.is_formula"),
    "@SUM(A1)": golden("errors.addresses.is_formula"),
    " 8.8.8.8": golden("errors.addresses.has_space"),
    "8.8.8.8\n": "8.8.8.8\\n " + golden("errors.addresses.has_space"),
    "8.8.8.8\u200b": "8.8.8.8\\u200b " + golden("errors.addresses.has_space"),
    "8.8.8.8 9.9.9.9": golden("errors.addresses.has_space"),
    "1.2.3.4/0": "1.2.3.4/0 " + golden("errors.addresses.is_network") + ".",
    "8.8.8.8/31": golden("errors.addresses.is_network") + ".",
    "8.8.8.8/32/32": golden("errors.addresses.is_network") + ".",
    "10.0.0.1/32": "10.0.0.1 " + golden("errors.addresses.is_private") + " (RFC 1918)",
    "2001:db8::1": "2001:db8::1 " + golden("errors.addresses.is_ipv6") + ".",
    "[2001:db8::1]:5060": golden("errors.addresses.is_ipv6") + ".",
    "::ffff:8.8.8.8": golden("errors.addresses.is_ipv6") + ".",
    "010.1.2.3": "010.1.2.3 has leading zeros",
    "8.8.8.08": "has leading zeros",
    "8.8.8.8:5060": "8.8.8.8:5060 has a port.",
    "pbx.example.net:5060": "has a port.",
    "8.8.8": golden("errors.addresses.is_not_whole") + ".",
    "8.8.8.256": golden("errors.addresses.is_not_whole") + ".",
    "134744072": golden("errors.addresses.is_not_whole") + ".",
    "pbx-denver.example.net": "pbx-denver.example.net " + golden("errors.addresses.is_host_name") + ".",
    "localhost": golden("errors.addresses.is_host_name") + ".",
    "8.8.8.8,9.9.9.9": golden("errors.addresses.is_not_an_address") + ".",
    "8.8.8.٨": golden("errors.addresses.is_not_an_address") + ".",
    "10.0.0.1": "10.0.0.1 " + golden("errors.addresses.is_private") + " (RFC 1918)",
    "172.31.255.255": golden("errors.addresses.is_private"),
    "192.168.1.1": golden("errors.addresses.is_private"),
    "100.64.0.1": "100.64.0.1 " + golden("errors.addresses.is_nat") + " (RFC 6598)",
    "100.127.255.255": golden("errors.addresses.is_nat"),
    "127.0.0.1": "127.0.0.1 " + golden("errors.addresses.is_loopback"),
    "169.254.1.1": "169.254.1.1 " + golden("errors.addresses.is_link_local"),
    "224.0.0.1": "224.0.0.1 " + golden("errors.addresses.is_multicast"),
    "239.255.255.255": golden("errors.addresses.is_multicast"),
    "198.51.100.24": "198.51.100.24 " + golden("errors.addresses.is_documentation") + " (RFC 5737)",
    "0.0.0.0": "0.0.0.0 " + golden("errors.addresses.is_this_network"),  # noqa: S104 - refused address, not bound
    "192.88.99.1": golden("errors.addresses.is_6to4"),
    "192.0.0.9": golden("errors.addresses.is_ietf"),
    "198.19.0.1": golden("errors.addresses.is_benchmark"),
    "240.0.0.1": "240.0.0.1 " + golden("errors.addresses.is_reserved"),
    "255.255.255.255": "255.255.255.255 " + golden("errors.addresses.is_broadcast"),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.items(), ids=repr)
def test_a_wrong_entry_gets_its_own_sentence(text, sentence):
    """Everything except one public IPv4 address is refused with the violated rule and the remedy."""
    with pytest.raises(AddressError) as caught:
        parse_entry(text)

    message = str(caught.value)
    assert sentence in message
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "223.255.255.255", "9.0.0.0"])
def test_a_public_address_is_its_own_canonical_text(text):
    """A public IPv4 address is accepted unchanged."""
    assert text == parse_entry(text)


def test_a_setting_makes_documentation_ranges_public():
    """A setting makes documentation ranges public, because the sample account uses them."""
    assert parse_entry("198.51.100.24", public_ranges=DOCUMENTATION) == "198.51.100.24"
    with pytest.raises(AddressError, match="private"):
        parse_entry("10.0.0.1", public_ranges=DOCUMENTATION)


@pytest.mark.parametrize("text", ["0.1.2.3", "224.0.0.1", "255.255.255.255"])
def test_multicast_and_broadcast_are_never_public(text):
    """Multicast, broadcast and 0.0.0.0/8 are never source addresses, whatever the setting."""
    with pytest.raises(AddressError):
        parse_entry(text, public_ranges=["0.0.0.0/0"])


def test_a_wrong_public_range_exempts_nothing():
    """An invalid range in the setting is ignored."""
    with pytest.raises(AddressError, match="documentation"):
        parse_entry("198.51.100.24", public_ranges=["198.51.100.0/33", "nonsense"])


def test_a_long_value_is_cut_in_the_message():
    """A message repeats only the start of a wrong value."""
    with pytest.raises(AddressError) as caught:
        parse_entry("x" * 100_000)

    assert len(str(caught.value)) < 250


def test_a_network_of_one_address_is_that_address():
    """A /32 is accepted as the single address."""
    assert "9.9.9.9" == parse_entry("9.9.9.9/32")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("9.9.9.0/24", "9.9.9.0/24"), ("9.9.9.9/32", "9.9.9.9"), ("198.51.100.0/28", "198.51.100.0/28")],
)
def test_networks_where_the_carrier_takes_them(text, canonical):
    """With CIDR entries a network is accepted, and a single host is written without its length."""
    assert canonical == parse_entry(text, allow_cidr=True, public_ranges=DOCUMENTATION)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1.2.3.4/0", golden("errors.addresses.not_cidr")),
        ("0.0.0.0/0", "reaches into"),
        ("128.0.0.0/1", "reaches into"),
        ("9.9.9.9/24", golden("errors.addresses.not_cidr")),
        ("9.9.9.0/33", golden("errors.addresses.not_cidr")),
        ("10.1.2.0/24", "reaches into 10.0.0.0/8"),
        ("8.0.0.0/5", "reaches into 10.0.0.0/8"),
        ("10.1.2.3/32", "private"),
        ("09.9.9.0/24", "leading zeros"),
        ("2001:db8::/32", "IPv6"),
    ],
)
def test_a_network_never_reaches_into_special_ranges(text, sentence):
    """A network that contains a special-purpose address, or the whole Internet, is refused."""
    with pytest.raises(AddressError) as caught:
        parse_entry(text, allow_cidr=True)

    assert sentence in str(caught.value)


def test_a_public_range_covers_a_wider_network_only_as_far_as_it_goes():
    """A network that exceeds the range treated as public is refused."""
    with pytest.raises(AddressError, match="reaches into"):
        parse_entry("198.51.100.0/24", allow_cidr=True, public_ranges=["198.51.100.0/25"])


def test_ipv6_where_the_carrier_takes_it():
    """With IPv6 entries an address becomes canonical text; a documentation address is still refused."""
    assert parse_entry("2606:4700:0::1", allow_ipv6=True) == "2606:4700::1"
    assert parse_entry("2606:4700::/32", allow_ipv6=True, allow_cidr=True) == "2606:4700::/32"
    for text in ("2001:db8::1", "2001:db8::/32", "ff02::1"):
        with pytest.raises(AddressError, match="special-purpose"):
            parse_entry(text, allow_ipv6=True, allow_cidr=True)


def test_every_special_range_is_named():
    """The first and last address of every range of the table have its name."""
    for network, name in SPECIAL_PURPOSE[1:]:
        assert special_purpose(str(network[0])) == name
    assert special_purpose("8.8.8.8") is None
    assert special_purpose("nonsense") is None


@given(st.ip_addresses(v=4))
def test_special_addresses_of_ipaddress_are_refused(address):
    """``not is_global or is_multicast`` is always refused; an accepted address parses to itself."""
    try:
        taken = parse_entry(str(address))
    except AddressError:
        assert special_purpose(str(address))
        return
    assert address.is_global
    assert not address.is_multicast
    assert ip_address(taken) == address


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_an_address_error(text):
    """Any text gives an address or an address error."""
    try:
        answer = parse_entry(text)
    except AddressError as exc:
        answer = str(exc)

    assert answer.endswith(".") or str(IPv4Address(answer)) == text


LIST = ["198.51.100.24", "203.0.113.0/28", "192.0.2.9/32", "nonsense", "", "1.2.3.4/0", "2001:db8::/32", "=1+1"]


@pytest.mark.parametrize(
    ("address", "listed"),
    [
        ("198.51.100.24", True),
        ("198.51.100.25", False),
        ("203.0.113.15", True),
        ("203.0.113.16", False),
        ("192.0.2.9", True),
        ("2001:db8::7", True),
        ("nonsense", False),
        ("", False),
        ("1.2.3.4", False),
        ("=1+1", False),
    ],
)
def test_membership_of_one_and_of_many_agree(address, listed):
    """An entry covers its addresses; an invalid entry covers none and raises no error."""
    series = pd.Series([address, address], index=[7, 3], dtype="str")

    assert contains(LIST, address) is listed
    assert membership(LIST, series).to_dict() == {7: listed, 3: listed}
    assert membership(LIST, series).dtype == "bool"


def test_an_empty_series_and_an_empty_list():
    """An empty list covers no address, and an empty series gives an empty result."""
    assert membership([], pd.Series(["8.8.8.8"], dtype="str")).tolist() == [False]
    empty = membership(LIST, pd.Series([], dtype="str"))
    assert empty.tolist() == []
    assert empty.dtype == "bool"


@given(st.lists(st.ip_addresses(v=4), max_size=8), st.lists(st.ip_addresses(v=4), max_size=8))
def test_vectorized_membership_equals_single_lookup(entries, addresses):
    """The vectorized result equals the single one for each address."""
    networks = [str(entry) for entry in entries]
    series = pd.Series([str(address) for address in [*addresses, *entries]], dtype="str")

    assert membership(networks, series).tolist() == [contains(networks, text) for text in series]


@given(
    st.lists(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), min_size=1, max_size=8),
    st.lists(st.integers(0, 32), min_size=1, max_size=8),
)
def test_membership_of_networks_is_what_ipaddress_says(addresses, lengths):
    """Networks of any length, IPv4 and IPv6, cover exactly the addresses that ``ipaddress`` says."""
    networks = [
        ip_network(f"{address}/{length}", strict=False) for address, length in zip(addresses, lengths, strict=False)
    ]
    series = pd.Series([str(address) for address in addresses], dtype="str")

    expected = [any(address in network for network in networks) for address in addresses]
    assert expected == membership([str(network) for network in networks], series).tolist()


@pytest.mark.parametrize("text", ["2001:DB8::1", "2001:db8:0:0::1", "2001:db8::1"])
def test_ipv6_is_the_same_however_it_is_written(text):
    """Spellings of one IPv6 address are equal; a zone makes another address."""
    assert contains(["2001:0db8::0001"], text)
    assert contains([text], "2001:db8::1")
    assert not contains([text], "2001:db8::1%eth0")


def test_the_narrowest_entry_covers_an_address() -> None:
    """The entry with the longest prefix is returned as written, a single address first; else none."""
    listed = ["198.51.100.0/24", "198.51.100.8/29", "198.51.100.9/32", "2001:db8::/32", "no address"]
    asked = ["198.51.100.9", "198.51.100.10", "198.51.100.99", "2001:0db8::1", "192.0.2.1", "", "no address at all"]

    assert ["198.51.100.9/32", "198.51.100.8/29", "198.51.100.0/24", "2001:db8::/32", "", "", ""] == covering(
        listed, asked
    )
