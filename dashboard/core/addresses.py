"""
IP addresses: validation of allow-list entries, and lookup of addresses in the list.

Special-purpose ranges are those of the IANA IPv4 Special-Purpose Address Registry (RFC 6890) and of the
multicast space (RFC 5771). ``ipaddress`` alone is not sufficient: its ``is_private`` is false for
100.64.0.0/10 and its ``is_global`` is true for multicast and for 192.88.99.0/24.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING

from dashboard.core.address_index import Address, AddressIndex, Network, as_address, as_network
from dashboard.core.errors import AddressError
from dashboard.core.text import FORMULA_SIGNS, escaped

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 60
"""Maximum number of characters of an invalid value in a message."""

SPECIAL_PURPOSE: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("255.255.255.255/32", "the broadcast address (RFC 919)"),
        ("0.0.0.0/8", "an address of this network only (RFC 791)"),
        ("10.0.0.0/8", "a private address (RFC 1918)"),
        ("172.16.0.0/12", "a private address (RFC 1918)"),
        ("192.168.0.0/16", "a private address (RFC 1918)"),
        ("100.64.0.0/10", "a carrier-grade NAT address (RFC 6598)"),
        ("127.0.0.0/8", "a loopback address (RFC 1122)"),
        ("169.254.0.0/16", "a link-local address (RFC 3927)"),
        ("224.0.0.0/4", "a multicast address (RFC 5771)"),
        ("192.0.2.0/24", "a documentation address (RFC 5737)"),
        ("198.51.100.0/24", "a documentation address (RFC 5737)"),
        ("203.0.113.0/24", "a documentation address (RFC 5737)"),
        ("192.0.0.0/24", "an address reserved for IETF protocols (RFC 6890)"),
        ("192.31.196.0/24", "an anycast address of AS112 (RFC 7535)"),
        ("192.175.48.0/24", "an anycast address of AS112 (RFC 7534)"),
        ("192.52.193.0/24", "an anycast address of multicast tunnels (RFC 7450)"),
        ("192.88.99.0/24", "an address of the retired 6to4 relays (RFC 7526)"),
        ("198.18.0.0/15", "a benchmarking address (RFC 2544)"),
        ("240.0.0.0/4", "a reserved address (RFC 1112)"),
    )
)
"""Ranges that no PBX on the Internet calls from, with descriptions; the first match describes an address."""

NEVER_PUBLIC: tuple[IPv4Network, ...] = tuple(
    IPv4Network(network) for network in ("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32")
)
"""Ranges that no setting can make public: they are never valid source addresses."""

_DOTTED = re.compile(r"\d+(\.\d+){3}", re.ASCII)
_WITH_PORT = re.compile(r"(?P<host>[^:\[\]]+):\d*", re.ASCII)
_BRACKETED = re.compile(r"\[(?P<host>[^\]]*)\](:\d*)?", re.ASCII)
_HOST_NAME = re.compile(r"(?=.*[a-z])[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.ASCII | re.IGNORECASE)


def parse_entry(
    text: str, *, public_ranges: Collection[str] = (), allow_cidr: bool = False, allow_ipv6: bool = False
) -> str:
    """
    Parse and validate one entry of the allow list.

    Args:
        text: Operator input or a cell of a file, without surrounding text; ``/32`` is a single address.
        public_ranges: Networks in CIDR notation to treat as public although they are special-purpose.
        allow_cidr: The carrier accepts networks; a network must not overlap a special-purpose range.
        allow_ipv6: The carrier accepts IPv6 addresses.

    Returns:
        The canonical text: ``198.51.100.24``, or ``198.51.100.0/24`` where networks are accepted.

    Raises:
        AddressError: The text is not a valid public entry; the message names the violated rule.
    """
    quoted = escaped(text, SHOWN)
    if not text.strip():
        raise AddressError("The address is empty. Write one public IPv4 address, such as 198.51.100.24.")
    if text.startswith(FORMULA_SIGNS):
        raise AddressError(f"{quoted} looks like a spreadsheet formula, not an address. Write the address itself.")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise AddressError(
            f"{quoted} has a space or an invisible character in it. Write one address with nothing else."
        )
    if "/" in (text := text if ":" in text else text.removesuffix("/32")):
        return _parse_network(text, quoted, public_ranges, allow_cidr=allow_cidr, allow_ipv6=allow_ipv6)
    address = _parse_address(text, quoted, allow_ipv6=allow_ipv6)
    _refuse_special(address, public_ranges)
    return str(address)


def special_purpose(address: str) -> str | None:
    """
    Return the special purpose of an address.

    Args:
        address: An IPv4 or IPv6 address as text.

    Returns:
        A description such as ``a private address (RFC 1918)``; ``None`` for a public address, and for a
        text that is not an address.
    """
    parsed = as_address(address)
    return None if parsed is None else _purpose(parsed)


def contains(networks: Collection[str], address: str) -> bool:
    """
    Return whether an address is covered by a list.

    Args:
        networks: Entries: addresses or networks in CIDR notation. Invalid entries never match.
        address: Address to look up; a text that is not an address never matches.
    """
    return _index(frozenset(networks)).covers(address)


def membership(networks: Collection[str], addresses: pd.Series[str]) -> pd.Series[bool]:
    """
    Return for each address whether a list covers it; each distinct address is looked up once.

    Args:
        networks: Entries: addresses or networks in CIDR notation. Invalid entries never match.
        addresses: Addresses as text, with repetitions.

    Returns:
        A Boolean series with the index of ``addresses``.
    """
    import pandas as pd  # noqa: PLC0415 - the emulator looks up single addresses and does not need pandas

    index = _index(frozenset(networks))
    codes, distinct = addresses.factorize()
    listed = pd.Series([*map(index.covers, distinct.tolist()), False], dtype="bool").to_numpy()
    return pd.Series(listed[codes], index=addresses.index)


def covering(networks: Collection[str], addresses: Iterable[str]) -> list[str]:
    """
    Return for each address the narrowest entry of a list that covers it, as written in the list.

    Args:
        networks: Entries: addresses or networks in CIDR notation.
        addresses: Addresses as text.

    Returns:
        A list of the length of ``addresses``; ``""`` where no entry covers the address.
    """
    entries = frozenset(networks)
    index = _index(entries)
    return [text if text in entries else next(iter(index.covering(text)), "") for text in addresses]


def is_network(text: str) -> bool:
    """Return whether a text is an address or a network in CIDR notation, public or not."""
    return as_network(text) is not None


def _parse_network(
    text: str, quoted: str, public_ranges: Collection[str], *, allow_cidr: bool, allow_ipv6: bool
) -> str:
    host, _, _length = text.partition("/")
    if not allow_cidr:
        raise AddressError(
            f"{quoted} is a network in CIDR form. Write single addresses, such as 198.51.100.24, each by itself: "
            "a network would stand for addresses of others, too."
        )
    _parse_address(host, quoted, allow_ipv6=allow_ipv6)
    try:
        network = ip_network(text)
    except ValueError:
        raise AddressError(
            f"{quoted} is not a network in CIDR form: its length or the bits after it are wrong. "
            "Write it like 198.51.100.0/24."
        ) from None
    if network.num_addresses == 1:
        _refuse_special(network.network_address, public_ranges)
        return str(network.network_address)
    for special, name in SPECIAL_PURPOSE:
        if network.overlaps(special) and not _exempt(special, network, public_ranges):
            raise AddressError(
                f"{quoted} reaches into {special}, and no PBX calls from {name}. Write smaller networks."
            )
    if isinstance(network, IPv6Network) and _purpose(network.network_address):
        raise AddressError(f"{quoted} is {_purpose(network.network_address)}. Write a public network.")
    return str(network)


def _parse_address(text: str, quoted: str, *, allow_ipv6: bool) -> Address:
    """Parse a single address, or raise ``AddressError`` with the violated rule."""
    bracketed = _BRACKETED.fullmatch(text)
    address = as_address(bracketed["host"] if bracketed else text)
    if isinstance(address, IPv4Address) and not bracketed:
        return address
    if isinstance(address, IPv6Address):
        if allow_ipv6 and not bracketed:
            return address
        raise AddressError(f"{quoted} is an IPv6 address. The list takes IPv4: write the PBX's public IPv4 address.")
    if _DOTTED.fullmatch(text) and any(len(part) > 1 and part.startswith("0") for part in text.split(".")):
        raise AddressError(
            f"{quoted} has leading zeros, which some programs read as octal numbers. Write each number without them."
        )
    with_port = _WITH_PORT.fullmatch(text)
    if with_port:
        raise AddressError(f"{quoted} has a port. Write the address alone, without :port.")
    if not re.search(r"[^\d.]", text, re.ASCII):
        raise AddressError(f"{quoted} is not a whole IPv4 address. Write four numbers from 0 to 255 with dots between.")
    if _HOST_NAME.fullmatch(text):
        raise AddressError(f"{quoted} is a host name. Write the public IPv4 address it stands for: names can change.")
    raise AddressError(f"{quoted} is not an address. Write one public IPv4 address, such as 198.51.100.24.")


def _refuse_special(address: Address, public_ranges: Collection[str]) -> None:
    purpose = _purpose(address)
    if purpose is None:
        return
    never_public = isinstance(address, IPv4Address) and any(address in network for network in NEVER_PUBLIC)
    if never_public or not contains(public_ranges, str(address)):
        raise AddressError(
            f"{address} is {purpose}; no PBX reaches the carrier from it. "
            "Write the public address that the carrier sees."
        )


def _exempt(special: IPv4Network, network: Network, public_ranges: Collection[str]) -> bool:
    """Return whether ``public_ranges`` cover the whole overlap of a network and a special-purpose range."""
    if special in NEVER_PUBLIC or not isinstance(network, IPv4Network):
        return False
    shared = network if network.subnet_of(special) else special
    return any(isinstance(public, IPv4Network) and shared.subnet_of(public) for public in _networks(public_ranges))


def _purpose(address: Address) -> str | None:
    if isinstance(address, IPv4Address):
        purpose = next((name for network, name in SPECIAL_PURPOSE if address in network), None)
        if purpose:
            return purpose
    if not address.is_global or address.is_multicast:
        return "a special-purpose address (RFC 6890)"
    return None


def _networks(texts: Iterable[str]) -> Iterable[Network]:
    return filter(None, map(as_network, texts))


@lru_cache(maxsize=256)
def _index(networks: frozenset[str]) -> AddressIndex[str]:
    """Return the index of a list; of entries for one network, the first in alphabetical order comes first."""
    return AddressIndex((text, text) for text in sorted(networks))
