"""The account's side of the SIP trunk: the tech prefix, and the PoPs that send and receive calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from dashboard.sip.dial_string import RETIRED_HOSTS, RETIRED_RANGES

CARRIER_DOMAIN = "flowroute.com"
Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True)
class Pop:
    """A point of presence: its host name, and the source networks of its calls."""

    host: str
    networks: Networks = ()

    def is_matched(self, matches: Iterable[str]) -> bool:
        """Return whether a PBX's inbound matches cover this PoP, by host name or by ranges that contain all its own."""
        texts = [text.lower() for text in matches]
        return self.host in texts or (
            bool(self.networks)
            and all(any(_within(str(pop_network), _networks(text)) for text in texts) for pop_network in self.networks)
        )


@dataclass(frozen=True)
class Trunk:
    """The known part of the account's side of the trunk; the carrier's host names are recognized without it."""

    tech_prefix: str = ""
    pops: tuple[Pop, ...] = ()

    @classmethod
    def of(cls, tech_prefix: str, edges: Iterable[tuple[str, str]]) -> Trunk:
        """
        Build a trunk from the account's PoPs.

        Args:
            tech_prefix: The account's eight digits; ``""`` if unknown.
            edges: Host name and comma-separated ranges of each PoP; ranges that cannot be parsed are skipped.
        """
        pops = (Pop(host.lower(), _networks(*ranges.split(","))) for host, ranges in edges)
        return cls(tech_prefix, tuple(pop for pop in pops if pop.host or pop.networks))

    def is_carrier(self, host: str) -> bool:
        """Return whether a host name or an address belongs to the carrier, including retired ones."""
        name = host.lower().rstrip(".")
        if name == CARRIER_DOMAIN or name.endswith(f".{CARRIER_DOMAIN}"):
            return True
        return self.is_retired(name) or any(
            name == pop.host or _within(name, pop.networks) for pop in self.pops if name
        )

    @staticmethod
    def is_retired(host: str) -> bool:
        """Return whether a host name, an address or a range belongs to a retired PoP."""
        name = host.lower().rstrip(".")
        return name in RETIRED_HOSTS or _within(name, RETIRED_RANGES)


def _within(text: str, networks: Networks) -> bool:
    """Return whether an address or a range lies within one of ``networks``."""
    parsed = _networks(text)
    return bool(parsed) and any(
        parsed[0].version == network.version and parsed[0].subnet_of(network)  # type: ignore[arg-type]  # same IP version
        for network in networks
    )


def _networks(*texts: str) -> Networks:
    """Parse IP ranges; skip texts that are not ranges."""
    parsed: list[IPv4Network | IPv6Network] = []
    for text in texts:
        try:
            parsed.append(ip_network(text.strip(), strict=False))
        except ValueError:
            continue
    return tuple(parsed)
