"""Sources inside a listed network; each gets its own verdict, because a network admits more than the PBXs in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence import ownership
from dashboard.checks.registry import failed, unknown
from dashboard.core.addresses import is_network
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Change
from dashboard.domain.findings import Confidence, Severity, Verdict
from dashboard.domain.snapshot import Snapshot, members

MOST_SHOWN = 3


def unassigned(
    snapshot: Snapshot, owners: ownership.AddressOwners, calls: call_evidence.OutboundCalls
) -> Iterator[Verdict]:
    """Yield a verdict for each source admitted only by a network that covers PBXs, if it belongs to no PBX now."""
    covering: dict[str, list[ownership.Row]] = {}
    singles: set[str] = set()
    for entry in ownership.entries(snapshot):
        network = str(entry["network"])
        if not is_network(network) or is_single(network):
            singles.add(network.removesuffix("/32"))
        elif owners.now.of(network):
            for source in sources_without_pbx(owners, calls.of(network)):
                covering.setdefault(source, []).append(entry)
    for source in sorted(covering.keys() - singles):
        yield _verdict(snapshot, owners, source, covering[source], calls.of(source))


def sources_without_pbx(owners: ownership.AddressOwners, calls: call_evidence.Tallies) -> list[str]:
    """Return the sources that no PBX uses now and that placed calls since the last PBX left them."""
    return sorted({one.source_ip for one in calls if one.orphaned and not owners.now.of(one.source_ip)})


def of_owners(calls: call_evidence.Tallies, held: Sequence[ownership.Row]) -> call_evidence.Tallies:
    """Return the calls of the PBXs inside an entry, without those of other sources; all calls if it contains none."""
    addresses = {str(row["address"]) for row in held}
    pbx_ids = set(ownership.ids(held))
    mine = [one for one in calls if one.source_ip in addresses or pbx_ids.intersection(members(one.pbx_id))]
    return mine if held else calls


def also_lets_in(owners: ownership.AddressOwners, calls: call_evidence.Tallies) -> str:
    """Return a sentence with the first other sources that a network admits besides its PBXs; ``""`` if none."""
    sources = sources_without_pbx(owners, calls)
    if not sources:
        return ""
    shown = sources[:MOST_SHOWN]
    more = len(sources) - MOST_SHOWN
    named = " and ".join(shown) if more <= 0 else f"{', '.join(shown)} and {more:,} more"
    return f" It also lets in {named}, each a finding of its own."


def is_single(network: str) -> bool:
    """Return whether an entry is a single address."""
    return ip_network(network).num_addresses == 1


def _verdict(
    snapshot: Snapshot,
    owners: ownership.AddressOwners,
    source: str,
    entries: list[ownership.Row],
    calls: call_evidence.Tallies,
) -> Verdict:
    calls = [one for one in calls if one.orphaned]
    networks = " and ".join(str(entry["network"]) for entry in entries)
    claimed = tuple(pbx_id for pbx_id in call_evidence.callers(calls) if pbx_id in owners.kinds)
    if claimed and all(one.pbx_id for one in calls):
        reason = (
            f"{call_evidence.named(snapshot, claimed, source)} is inside the listed network {networks} and belongs to "
            "no PBX of the inventory. Only an X-Tag or a caller id, which any caller can write, says whose its calls "
            "are."
            f"{owners.next_step(source, claimed)}"
        )
        return unknown(source, reason=reason, pbx_ids=claimed, evidence=call_evidence.summary(calls))
    used = call_evidence.admitted(snapshot, calls)
    last = owners.last(source)
    what = ", though no PBX calls from it any more" if last else " and belongs to no PBX of the inventory"
    reason = f"{call_evidence.named(snapshot, last, source)} is inside the listed network {networks}{what}"
    reason += f", and calls from it were admitted: {call_evidence.over_time(used)}." if used else "."
    changes, more = _replace(snapshot, owners, entries)
    return failed(
        source,
        reason=f"{reason} {more}",
        severity=Severity.HIGH if used else None,
        confidence=Confidence.PROVEN if used else Confidence.INFERRED,
        pbx_ids=last,
        evidence=call_evidence.summary(calls),
        changes=changes,
    )


def _replace(
    snapshot: Snapshot, owners: ownership.AddressOwners, entries: list[ownership.Row]
) -> tuple[tuple[Change, ...], str]:
    """Return the changes that replace networks by the PBXs' single addresses, and a sentence about them."""
    gone = {str(entry["network"]) for entry in entries}
    left = snapshot.policy.networks - gone
    needed: dict[str, tuple[str, ...]] = {}
    for network in gone:
        for row in owners.now.of(network):
            address = str(row["address"])
            needed[address] = ownership.ids(owners.now.of(address))
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
    return (*added, *map(ownership.remove, entries)), more
