"""SIP tests of a PBX: the command for a test call from its own machine, and OPTIONS to the PoPs from this one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from dashboard.domain.snapshot import Snapshot
from dashboard.sip import parse_pop
from dashboard.sip.probe import Probe, ProbeTarget, options

WAIT_S: Final = 4.0
"""Time limit for the answer of each PoP in seconds; all PoPs are probed at the same time."""


def command(address: str, pop: str, prefix: str) -> str:
    """Return the command for one test call from the PBX's own machine; the operator fills in the number."""
    told = ["trunkgate", "probe", *(["--from", address] if address else []), "--pop", pop]
    told += ["--tech-prefix", prefix] if prefix else []
    return f"{shlex.join(told)} --number NUMBER --format json"


def hosts(snapshot: Snapshot, pop: str) -> list[str]:
    """Return the hosts of PoPs to probe: ``pop`` first, then those of the account."""
    return [*dict.fromkeys([pop, *filter(None, snapshot.edges["host"])])]


def asked(pops: Sequence[str]) -> list[Probe]:
    """
    Probe all PoPs concurrently with OPTIONS.

    Raises:
        InputError: A host has no address.
    """
    targets = []
    for host in pops:
        name, _, port = parse_pop(host).partition(":")
        targets.append(ProbeTarget(name, int(port or 0)))
    with ThreadPoolExecutor(max_workers=len(targets)) as pool:
        return list(pool.map(lambda target: options(target, wait_s=WAIT_S), targets))
