"""Sources inside a listed network; each gets its own verdict, because a network admits more than the PBXs in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from dashboard.checks.evidence import calls as ev
from dashboard.checks.evidence import ownership as inv
from dashboard.checks.registry import failed, unknown
from dashboard.core.addresses import is_network
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Change
from dashboard.domain.findings import Confidence, Severity, Verdict
from dashboard.domain.snapshot import Snapshot, members

MOST_SHOWN = 3


def unassigned(snapshot: Snapshot, owners: inv.AddressOwners, calls: ev.OutboundCalls) -> Iterator[Verdict]:
    """Yield a verdict for each source admitted only by a network that covers PBXs, if it belongs to no PBX now."""
    covering: dict[str, list[inv.Row]] = {}
    singles: set[str] = set()
    for entry in inv.entries(snapshot):
        network = str(entry["network"])
        if not is_network(network) or is_single(network):
            singles.add(network.removesuffix("/32"))
        elif owners.now.of(network):
            for source in sources_without_pbx(owners, calls.of(network)):
                covering.setdefault(source, []).append(entry)
    for source in sorted(covering.keys() - singles):
        yield _verdict(snapshot, owners, source, covering[source], calls.of(source))


def sources_without_pbx(owners: inv.AddressOwners, calls: ev.Tallies) -> list[str]:
    """Return the sources that no PBX uses now and that placed calls since the last PBX left them."""
    return sorted({one.source_ip for one in calls if one.orphaned and not owners.now.of(one.source_ip)})


def of_owners(calls: ev.Tallies, held: Sequence[inv.Row]) -> ev.Tallies:
    """Return the calls of the PBXs inside an entry, without those of other sources; all calls if it contains none."""
    addresses, pbx_ids = {str(row["address"]) for row in held}, set(inv.ids(held))
    mine = [one for one in calls if one.source_ip in addresses or pbx_ids.intersection(members(one.pbx_id))]
    return mine if held else calls


def also_lets_in(owners: inv.AddressOwners, calls: ev.Tallies) -> str:
    """Return a sentence with the first other sources that a network admits besides its PBXs; ``""`` if none."""
    sources = sources_without_pbx(owners, calls)
    if not sources:
        return ""
    shown, more = sources[:MOST_SHOWN], len(sources) - MOST_SHOWN
    named = " and ".join(shown) if more <= 0 else f"{', '.join(shown)} and {more:,} more"
    return f" It also lets in {named}, each a finding of its own."


def is_single(network: str) -> bool:
    """Return whether an entry is a single address."""
    return ip_network(network).num_addresses == 1


def _verdict(
    snapshot: Snapshot, owners: inv.AddressOwners, source: str, entries: list[inv.Row], calls: ev.Tallies
) -> Verdict:
    calls = [one for one in calls if one.orphaned]
    networks = " and ".join(str(entry["network"]) for entry in entries)
    claimed = tuple(pbx_id for pbx_id in ev.callers(calls) if pbx_id in owners.kinds)
    if claimed and all(one.pbx_id for one in calls):
        reason = (
            f"{ev.named(snapshot, claimed, source)} is inside the listed network {networks} and belongs to no PBX "
            "of the inventory. Only an X-Tag or a caller id, which any caller can write, says whose its calls are."
            f"{owners.next_step(source, claimed)}"
        )
        return unknown(source, reason=reason, pbx_ids=claimed, evidence=ev.summary(calls))
    used, last = ev.admitted(snapshot, calls), owners.last(source)
    what = ", though no PBX calls from it any more" if last else " and belongs to no PBX of the inventory"
    reason = f"{ev.named(snapshot, last, source)} is inside the listed network {networks}{what}"
    reason += f", and calls from it were admitted: {ev.over_time(used)}." if used else "."
    changes, more = _replace(snapshot, owners, entries)
    return failed(
        source,
        reason=f"{reason} {more}",
        severity=Severity.HIGH if used else None,
        confidence=Confidence.PROVEN if used else Confidence.INFERRED,
        pbx_ids=last,
        evidence=ev.summary(calls),
        changes=changes,
    )


def _replace(snapshot: Snapshot, owners: inv.AddressOwners, entries: list[inv.Row]) -> tuple[tuple[Change, ...], str]:
    """Return the changes that replace networks by the PBXs' single addresses, and a sentence about them."""
    gone = {str(entry["network"]) for entry in entries}
    left = snapshot.policy.networks - gone
    needed: dict[str, tuple[str, ...]] = {}
    for network in gone:
        for row in owners.now.of(network):
            address = str(row["address"])
            needed[address] = inv.ids(owners.now.of(address))
    added: list[Change] = []
    for address in sorted(needed.keys() - left):
        change = owners.allow(address, needed[address])
        if not change:
            return (), f"{address} of the inventory cannot be listed by itself, so correct it first."
        added += change
    one_way = (
        ""
        if Capability.CIDR_ENTRIES in snapshot.capabilities
        else (" The carrier takes single addresses only, so the network cannot be put back later.")
    )
    more = f"List the single addresses of your PBXs in place of the network.{one_way}"
    return (*added, *map(inv.remove, entries)), more
