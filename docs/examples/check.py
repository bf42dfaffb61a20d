"""
Report entries of the allow list that admit more addresses than one site needs.

Example of a check. A real one is ``dashboard/checks/<id>.py``: the function has the name of its file. Contract:
``dashboard.checks.registry.check``. Test: ``tests/checks/test_<id>.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from dashboard.checks import check, failed, passed, unknown
from dashboard.domain.findings import Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot

SHORTEST_PREFIX: Final = {4: 29, 6: 64}
"""Shortest prefix length by IP version: a /29 is one small site, a /64 is one LAN."""


@check(
    title="Allowed networks are no wider than one site",
    severity=Severity.HIGH,
    impact=Impact.LOSS,
    control=("SOC 2 CC6.6",),
    deciding=("allowed_ips",),
)
def allowed_ip_is_narrow(snapshot: Snapshot) -> Iterator[Verdict]:
    """Every entry of the allow list is a /29 (IPv6: a /64) or narrower."""
    for text in snapshot.allowed_ips["network"]:
        try:
            network = ip_network(text)
        except ValueError:
            yield unknown(text, reason=f"The entry {text!r} is not an address or a network, so its width is unknown.")
            continue
        shortest = SHORTEST_PREFIX[network.version]
        if network.prefixlen < shortest:
            yield failed(
                text, reason=f"{text} admits {network.num_addresses:,} addresses: it is wider than /{shortest}."
            )
        else:
            yield passed(text, reason=f"{text} is /{shortest} or narrower.")
