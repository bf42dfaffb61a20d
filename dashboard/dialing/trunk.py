"""What is known of the account's side of the trunk: its tech prefix, and the PoPs that calls go to and come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from dashboard.dialing.dial_string import RETIRED_HOSTS, RETIRED_RANGES

CARRIER_DOMAIN = "flowroute.com"


@dataclass(frozen=True)
class Trunk:
    """The account's side of the trunk, as far as it is known; nothing of it is needed to know the carrier's names."""

    tech_prefix: str = ""
    hosts: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Ranges of the PoPs, from which inbound calls come."""

    @classmethod
    def of(cls, tech_prefix: str, edges: Iterable[tuple[str, str]]) -> Trunk:
        """
        Make it of the account's PoPs.

        Args:
            tech_prefix: The account's eight digits; ``""`` where they are not known.
            edges: By PoP its host name and its ranges, comma separated; a range that cannot be read is left out.
        """
        hosts, networks = set(), []
        for host, ranges in edges:
            hosts.add(host.lower())
            for text in ranges.split(","):
                try:
                    networks.append(ip_network(text.strip(), strict=False))
                except ValueError:
                    continue
        return cls(tech_prefix, frozenset(filter(None, hosts)), tuple(networks))

    def is_carrier(self, host: str) -> bool:
        """Say whether a host name or an address is one of the carrier's, retired ones too."""
        name = host.lower().rstrip(".")
        if name == CARRIER_DOMAIN or name.endswith(f".{CARRIER_DOMAIN}") or name in self.hosts:
            return True
        return self._within(name, (*self.networks, *RETIRED_RANGES))

    @staticmethod
    def is_retired(host: str) -> bool:
        """Say whether a host name, an address or a range is a retired PoP's."""
        name = host.lower().rstrip(".")
        return name in RETIRED_HOSTS or Trunk._within(name, RETIRED_RANGES)

    @staticmethod
    def _within(text: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
        try:
            asked = ip_network(text, strict=False)
        except ValueError:
            return False
        return any(
            isinstance(asked, IPv4Network) == isinstance(known, IPv4Network) and asked.subnet_of(known)  # type: ignore[arg-type]  # of one version
            for known in networks
        )
