"""Trunk specifications: the values of a PBX's configuration, validated so that none can break a file's syntax."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

from dashboard.core.errors import WritingError
from dashboard.core.text import quoted
from dashboard.domain.snapshot import Snapshot
from dashboard.sip import Trunk, parse_pop, parse_tech_prefix

LOCAL_NETS: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""Local networks; a PBX uses its public address only toward hosts outside them."""
MOST_PORT: Final = 65_535
_TAG = re.compile(r"[\w.-]{1,64}", re.ASCII)
_NUMBER = re.compile(r"\d{3,15}", re.ASCII)
_NOT_PLAIN = re.compile(r"[^\w .,()&']+")
_PORT = re.compile(r":(\d{1,5})$", re.ASCII)


@dataclass(frozen=True)
class PageSetting:
    """A value to enter in a field of a web page, for a PBX that writes its own files."""

    page: str
    field: str
    value: str


@dataclass(frozen=True)
class Snippet:
    """Generated configuration: files by path, installation steps as sentences, and settings to enter by hand."""

    files: Mapping[str, str]
    steps: tuple[str, ...]
    settings: tuple[PageSetting, ...] = ()


@dataclass(frozen=True)
class TrunkSpec:
    """
    The values of one PBX's configuration.

    Raises:
        WritingError: A value is missing or is not valid in a configuration.
    """

    pbx_id: str
    tech_prefix: str
    pop: str
    ranges: tuple[str, ...]
    address: str
    """Source address as seen by the carrier."""
    name: str = ""
    second: str = ""
    """Failover PoP, called if the first does not answer; ``""`` without one."""
    pops: tuple[str, ...] = ()
    """Host names of all PoPs, including those that only send calls."""
    other_addresses: tuple[str, ...] = ()
    """Failover source addresses."""
    x_tag: str = ""
    numbers: tuple[str, ...] = ()
    port: int = 0
    """Port for inbound calls; 0 for the default port of the kind of PBX."""

    def __post_init__(self) -> None:
        """Validate every value that is written to a file."""
        parse_tech_prefix(self.tech_prefix)
        self._check_pops()
        if not self.ranges:
            raise WritingError(
                f"The ranges that the carrier calls from are not known for {self.title}: "
                "only the carrier's API provides them."
            )
        for text in (self.address, *self.other_addresses):
            if not _is(ip_address, text) or ip_address(text).is_unspecified:
                raise WritingError(f"{quoted(text)} is no address. Correct it on the page Inventory.")
        _check_ranges(self.ranges)
        _check_x_tag(self.x_tag)
        for number in self.numbers:
            if not _NUMBER.fullmatch(number):
                raise WritingError(
                    f"The number {quoted(number, 40)} is not digits only. Correct it on the page Inventory."
                )
        if not 0 <= self.port <= MOST_PORT:
            raise WritingError(f"{self.port} is no port. Correct where its inbound calls go on the page Inventory.")

    def _check_pops(self) -> None:
        for host in (self.pop, *filter(None, (self.second, *self.pops))):
            if Trunk.is_retired(_bare(parse_pop(host))):
                raise WritingError(f"{host} is a retired PoP of the carrier. Choose one that the account's list shows.")
        if self.second and _bare(self.second) == _bare(self.pop):
            raise WritingError(f"{self.second} is the first PoP already. Choose another one to fail over to.")

    @property
    def title(self) -> str:
        """Name of the PBX without characters that have a meaning in a configuration."""
        return " ".join(_NOT_PLAIN.sub(" ", self.name or self.pbx_id).split())[:100] or "a PBX"

    @property
    def dialed(self) -> str:
        """Tech prefix and separator, dialed before a number."""
        return f"{self.tech_prefix}*"


@dataclass(frozen=True)
class CredentialsSpec:
    """
    The values of the configuration of a PBX with a dynamic address, which authenticates with SIP credentials.

    Raises:
        InputError: A value is not valid in a configuration.
    """

    tech_prefix: str
    """User name of the credentials; it is not dialed."""
    pop: str
    ranges: tuple[str, ...]
    x_tag: str = ""

    def __post_init__(self) -> None:
        """Validate every value that is written to a file."""
        parse_tech_prefix(self.tech_prefix)
        parse_pop(self.pop)
        _check_ranges(self.ranges)
        _check_x_tag(self.x_tag)


def trunk_spec_for(snapshot: Snapshot, pbx_id: str, *, pop: str = "", second: str = "") -> TrunkSpec:
    """
    Return the trunk specification of a PBX in the inventory.

    Args:
        snapshot: The account and the inventory.
        pbx_id: Id of the PBX in the inventory.
        pop: Host name of the PoP to call; defaults to the inventory's, then to the account's first.
        second: Host name of the failover PoP; defaults to the account's next one.

    Raises:
        WritingError: The PBX does not exist, must keep its credentials, or a required value is unknown.
    """
    rows = snapshot.pbxs[snapshot.pbxs["pbx_id"] == pbx_id]
    if rows.empty:
        raise WritingError(f"There is no PBX {quoted(pbx_id)} in the inventory. Check its id on the page Inventory.")
    row = rows.iloc[0]
    name = snapshot.name_of(pbx_id)
    if row["ip_kind"] == "dynamic":
        raise WritingError(
            f"{name} has a dynamic address and must keep its credentials: an address that changes cannot be allowed. "
            "Give it a static one first, and say so on the page Inventory."
        )
    if not snapshot.account.tech_prefix:
        raise WritingError("The account's tech prefix is not known. Set it on the page Account.")
    trunk = Trunk.of(snapshot.account.tech_prefix, zip(snapshot.edges["host"], snapshot.edges["ranges"], strict=True))
    hosts = [trunk_pop.host for trunk_pop in trunk.pops if trunk_pop.host and not trunk.is_retired(trunk_pop.host)]
    inventory_pop = str(row["pop"])
    first = pop or (
        inventory_pop if inventory_pop and not trunk.is_retired(_bare(inventory_pop)) else next(iter(hosts), "")
    )
    if not first:
        raise WritingError(f"No PoP is known that {name} could call. Say which on the page Inventory.")
    addresses_now = snapshot.addresses_now
    addresses_now = addresses_now[addresses_now["pbx_id"] == pbx_id].sort_values(
        "kind", key=lambda kinds: kinds == "failover", kind="stable"
    )
    addresses = tuple(dict.fromkeys(addresses_now["address"]))
    if not addresses:
        raise WritingError(f"No address of {name} is known. Add the one it calls from on the page Inventory.")
    port = _PORT.search(str(row["inbound_host"]))
    return TrunkSpec(
        pbx_id=pbx_id,
        name=name,
        tech_prefix=snapshot.account.tech_prefix,
        pop=first,
        second=second or next((host for host in hosts if host != _bare(first)), ""),
        pops=tuple(dict.fromkeys(hosts)),
        ranges=tuple(dict.fromkeys(str(network) for trunk_pop in trunk.pops for network in trunk_pop.networks)),
        address=addresses[0],
        other_addresses=addresses[1:],
        x_tag=str(row["x_tag"]),
        numbers=tuple(snapshot.pbx_numbers.loc[snapshot.pbx_numbers["pbx_id"] == pbx_id, "number"]),
        port=int(port[1]) if port else 0,
    )


def _check_ranges(ranges: tuple[str, ...]) -> None:
    for text in ranges:
        if not _is(ip_network, text):
            raise WritingError(f"{quoted(text)} is no network in CIDR form, as the carrier's ranges must be.")


def _check_x_tag(x_tag: str) -> None:
    if x_tag and not _TAG.fullmatch(x_tag):
        raise WritingError(
            f"The X-Tag {quoted(x_tag)} may hold letters, digits, dots, hyphens and underscores only. "
            "Correct it on the page Inventory."
        )


def _bare(host: str) -> str:
    return host.partition(":")[0].lower()


def _is(kind: Callable[[str], Any], text: str) -> bool:
    """Return whether a text is an address or network without an IPv6 zone, which may contain any text."""
    try:
        kind(text)
    except ValueError:
        return False
    return "%" not in text
