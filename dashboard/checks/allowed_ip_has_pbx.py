"""Any party that uses a listed address that belongs to no PBX can place calls at the account's cost."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence import networks, ownership
from dashboard.checks.registry import ACCOUNT_SUBJECT, check, failed, passed, unknown
from dashboard.core.addresses import is_network
from dashboard.domain.findings import Confidence, Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot


@check(
    title="Every allowed address belongs to a PBX in use",
    severity=Severity.MEDIUM,
    impact=Impact.LOSS,
    control=("CIS v8.1 5.5", "CIS v8.1 6.2", "SOC 2 CC6.2", "SOC 2 CC6.3", "ISO 27001:2022 A.5.18", "PCI DSS v4 7.2.4"),
    deciding=("allowed_ips", "inventory"),
    additional=("calls",),
)
def allowed_ip_has_pbx(snapshot: Snapshot) -> Iterator[Verdict]:
    """Every entry of the list covers the address of a PBX in use, and only PBXs call from inside a listed network."""
    calls = snapshot.memoize(call_evidence.OutboundCalls)
    owners = snapshot.memoize(ownership.AddressOwners)
    if snapshot.allowed_ips.empty:
        yield passed(ACCOUNT_SUBJECT, reason=f"{ownership.EMPTY_LIST} No address on it is without a PBX.")
    yield from networks.unassigned(snapshot, owners, calls)
    for entry in ownership.entries(snapshot):
        network = str(entry["network"])
        ids = ownership.ids(owners.now.of(network))
        if not is_network(network):
            yield unknown(network, reason=f"The entry {network!r} is no address, so whose it is cannot be told.")
        elif ids:
            pbx_names = call_evidence.address_label(snapshot, ids, network)
            warning = networks.other_sources_note(owners, calls.of(network))
            yield passed(network, reason=f"{pbx_names} is in the inventory.{warning}", pbx_ids=ids)
        else:
            yield _nobodys(snapshot, entry, owners, calls.of(network))


def _nobodys(
    snapshot: Snapshot, entry: ownership.Row, owners: ownership.AddressOwners, calls: call_evidence.Tallies
) -> Verdict:
    """Return the verdict on an entry without a current owner, based on the calls since its last owner left."""
    network = str(entry["network"])
    last = owners.last(network)
    calls = [tally for tally in calls if tally.orphaned]
    used = call_evidence.admitted(snapshot, calls)
    reason = f"{call_evidence.address_label(snapshot, last, network)} {owners.owner_change_text(network)}"
    reason += f", and calls from it were admitted: {call_evidence.over_time(snapshot, used)}." if used else "."
    reason += owners.next_step(network, call_evidence.callers(calls))
    return failed(
        network,
        reason=reason,
        severity=Severity.HIGH if used else None,
        confidence=Confidence.PROVEN if used else Confidence.INFERRED,
        pbx_ids=last,
        evidence=call_evidence.summary(calls),
        changes=(ownership.remove(entry),),
    )
