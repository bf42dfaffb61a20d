"""Sources inside a listed network; each gets its own verdict, because a network admits more than the PBXs in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from dashboard.checks.evidence import caller_claims, ownership
from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.registry import failed, unknown
from dashboard.core.addresses import is_network
from dashboard.core.text import join
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
    return sorted({tally.source_ip for tally in calls if tally.orphaned and not owners.now.of(tally.source_ip)})


def of_owners(
    owners: ownership.AddressOwners, calls: call_evidence.Tallies, owner_rows: Sequence[ownership.Row]
) -> call_evidence.Tallies:
    """
    Return the calls that the PBXs inside an entry placed from addresses of their own; all calls if it contains none.

    A source that only claims to be one of them is another source.
    """
    addresses = {str(row["address"]) for row in owner_rows}
    pbx_ids = set(ownership.ids(owner_rows))
    owner_calls = [
        tally
        for tally in calls
        if tally.source_ip in addresses
        or (pbx_ids.intersection(members(tally.pbx_id)) and caller_claims.is_confirmed(owners, tally))
    ]
    return owner_calls if owner_rows else calls


def other_sources_note(owners: ownership.AddressOwners, calls: call_evidence.Tallies) -> str:
    """Return a sentence with the first other sources that a network admits besides its PBXs; ``""`` if none."""
    sources = sources_without_pbx(owners, calls)
    if not sources:
        return ""
    return f" It also lets in {_listed(sources)}, each a finding of its own."


def sources_of(calls: call_evidence.Tallies) -> str:
    """Return the first source addresses of calls and the number of the others, for a sentence."""
    return _listed(sorted({tally.source_ip for tally in calls}))


def _listed(sources: Sequence[str]) -> str:
    return join(sources, MOST_SHOWN)


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
    """
    Return the verdict on a source without a PBX inside listed networks.

    A source that only claims to be a PBX in use is unknown at best, and fails on any sign that it is another party.
    """
    calls = [tally for tally in calls if tally.orphaned]
    used = call_evidence.admitted(snapshot, calls)
    claimed = caller_claims.claimed(owners, calls)
    let_in = {pbx_id: call_evidence.admitted(snapshot, pbx_calls) for pbx_id, pbx_calls in claimed.items()}
    claims = {
        pbx_id: caller_claims.examine(snapshot, owners, pbx_id, let_in[pbx_id] or pbx_calls)
        for pbx_id, pbx_calls in claimed.items()
    }
    unclaimed = [tally for tally in calls if tally.pbx_id not in claimed]
    last = owners.last(source)
    networks = join((str(entry["network"]) for entry in entries), None)
    description = ", though no PBX calls from it any more" if last else " and belongs to no PBX of the inventory"
    reason = (
        f"{call_evidence.address_label(snapshot, last, source)} is inside the listed network {networks}{description}"
    )
    reason += f", and calls from it were admitted: {call_evidence.over_time(snapshot, used)}" if used else ""
    for pbx_id, claim in claims.items():
        pbx_calls = (
            f"in {call_evidence.count(claimed[pbx_id]):,} of its calls, " if unclaimed or len(claims) > 1 else ""
        )
        reason += f"; {pbx_calls}{claim.sentence}"
    reason += f".{''.join(claim.against for claim in claims.values())}{_advice(snapshot, owners, source, calls)}"
    ids = tuple(dict.fromkeys((*last, *claimed)))
    evidence = call_evidence.summary(calls)
    severity = Severity.HIGH if used else None
    if claims and not unclaimed and not any(claim.signs for claim in claims.values()):
        return unknown(source, reason=reason, severity=severity, pbx_ids=ids, evidence=evidence)
    stolen = any(claim.stolen and let_in[pbx_id] for pbx_id, claim in claims.items())
    left = any(claim.left and let_in[pbx_id] for pbx_id, claim in claims.items())
    proven = stolen or left or call_evidence.admitted(snapshot, unclaimed)
    changes, replacement_note = _replace(snapshot, owners, entries)
    return failed(
        source,
        reason=f"{reason} {replacement_note}",
        severity=Severity.CRITICAL if stolen else severity,
        confidence=Confidence.PROVEN if proven else Confidence.INFERRED,
        pbx_ids=ids,
        evidence=evidence,
        changes=changes,
    )


def _advice(snapshot: Snapshot, owners: ownership.AddressOwners, source: str, calls: call_evidence.Tallies) -> str:
    """Return advice for the case that a source is an address of the PBXs in use that its calls are attributed to."""
    names = [snapshot.name_of(pbx_id) for pbx_id in call_evidence.callers(calls) if pbx_id in owners.kinds]
    return f" If {source} is an address of {' or '.join(names)}, add it on the page Inventory." if names else ""


def _replace(
    snapshot: Snapshot, owners: ownership.AddressOwners, entries: list[ownership.Row]
) -> tuple[tuple[Change, ...], str]:
    """Return the changes that replace networks by the PBXs' single addresses, and a sentence about them."""
    removed = {str(entry["network"]) for entry in entries}
    remaining = snapshot.policy.networks - removed
    needed: dict[str, tuple[str, ...]] = {}
    for network in removed:
        for row in owners.now.of(network):
            address = str(row["address"])
            needed[address] = ownership.ids(owners.now.of(address))
    added: list[Change] = []
    for address in sorted(needed.keys() - remaining):
        change = owners.allow(address, needed[address])
        if not change:
            return (), f"{address} of the inventory cannot be listed by itself, so correct it first."
        added += change
    one_way = (
        ""
        if Capability.CIDR_ENTRIES in snapshot.capabilities
        else (" The carrier takes single addresses only, so the network cannot be put back later.")
    )
    note = f"List the single addresses of your PBXs in place of the network.{one_way}"
    return (*added, *map(ownership.remove, entries)), note
