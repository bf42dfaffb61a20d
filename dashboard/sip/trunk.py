"""What is known of the account's side of the trunk: its tech prefix, and the PoPs that calls go to and come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from dashboard.sip.dial_string import RETIRED_HOSTS, RETIRED_RANGES

CARRIER_DOMAIN = "flowroute.com"
Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True)
class Pop:
    """A point of presence: its name, and the ranges from which its calls come."""

    host: str
    networks: Networks = ()

    def is_matched(self, matches: Iterable[str]) -> bool:
        """Say whether what a PBX lets in has this PoP: by its name, or by ranges that hold all of its own."""
        texts = [text.lower() for text in matches]
        return self.host in texts or (
            bool(self.networks)
            and all(any(_within(str(own), _networks(text)) for text in texts) for own in self.networks)
        )


@dataclass(frozen=True)
class Trunk:
    """The account's side of the trunk, as far as it is known; the carrier's names are known without it."""

    tech_prefix: str = ""
    pops: tuple[Pop, ...] = ()

    @classmethod
    def of(cls, tech_prefix: str, edges: Iterable[tuple[str, str]]) -> Trunk:
        """
        Make it of the account's PoPs.

        Args:
            tech_prefix: The account's eight digits; ``""`` where they are not known.
            edges: By PoP its host name and its ranges, comma separated; a range that cannot be read is left out.
        """
        pops = (Pop(host.lower(), _networks(*ranges.split(","))) for host, ranges in edges)
        return cls(tech_prefix, tuple(pop for pop in pops if pop.host or pop.networks))

    def is_carrier(self, host: str) -> bool:
        """Say whether a host name or an address is one of the carrier's, retired ones too."""
        name = host.lower().rstrip(".")
        if name == CARRIER_DOMAIN or name.endswith(f".{CARRIER_DOMAIN}"):
            return True
        return self.is_retired(name) or any(
            name == pop.host or _within(name, pop.networks) for pop in self.pops if name
        )

    @staticmethod
    def is_retired(host: str) -> bool:
        """Say whether a host name, an address or a range is a retired PoP's."""
        name = host.lower().rstrip(".")
        return name in RETIRED_HOSTS or _within(name, RETIRED_RANGES)


def _within(text: str, networks: Networks) -> bool:
    """Say whether an address or a range lies in one of others."""
    found = _networks(text)
    return bool(found) and any(
        found[0].version == known.version and found[0].subnet_of(known)  # type: ignore[arg-type]  # of one version
        for known in networks
    )


def _networks(*texts: str) -> Networks:
    """Read ranges; what is none is left out."""
    found: list[IPv4Network | IPv6Network] = []
    for text in texts:
        try:
            found.append(ip_network(text.strip(), strict=False))
        except ValueError:
            continue
    return tuple(found)
