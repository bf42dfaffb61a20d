"""A listed address without calls is access that is not needed; removing it usually interrupts no calls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pandas as pd

from dashboard.checks.evidence import caller_claims, networks, ownership
from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.registry import ACCOUNT_SUBJECT, check, failed, passed, unknown
from dashboard.core.addresses import is_network
from dashboard.domain.findings import Confidence, Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot, members


@check(
    title="Every allowed address places calls, or is silent on purpose",
    severity=Severity.MEDIUM,
    impact=Impact.LOSS,
    control=("SOC 2 CC6.3", "NIST 800-53r5 AC-2(3)"),
    deciding=("allowed_ips", "calls", "inventory"),
)
def allowed_ip_is_used(snapshot: Snapshot) -> Iterator[Verdict]:
    """Every entry of the list had a call in the last weeks, or is held for a standby PBX or a failover."""
    calls = snapshot.memoize(call_evidence.OutboundCalls)
    owners = snapshot.memoize(ownership.AddressOwners)
    if snapshot.allowed_ips.empty:
        yield passed(ACCOUNT_SUBJECT, reason=f"{ownership.EMPTY_LIST} No address on it is unused.")
    for entry in ownership.entries(snapshot):
        yield _verdict(snapshot, entry, owners, calls.of(str(entry["network"])))


def _verdict(
    snapshot: Snapshot, entry: ownership.Row, owners: ownership.AddressOwners, calls: call_evidence.Tallies
) -> Verdict:
    network = str(entry["network"])
    days = snapshot.silent_days
    if not is_network(network):
        return unknown(network, reason=f"The entry {network!r} is no address, so no call can be told to be its own.")
    owner_rows = owners.now.of(network)
    ids = ownership.ids(owner_rows) or ownership.ids(owners.ever.of(network))[:1]
    since = snapshot.calls_at - timedelta(days=days)
    pbx_names = call_evidence.address_label(snapshot, ids, network)
    late = [item for item in calls if item.last_at >= since]
    recent = networks.of_owners(owners, late, owner_rows)
    if recent:
        confirmed = call_evidence.callers([item for item in recent if caller_claims.is_confirmed(owners, item)])
        callers = tuple(item for item in ids if item in confirmed) or ownership.ids(owner_rows)
        caller_names = call_evidence.address_label(snapshot, callers, network)
        reason = f"{caller_names} placed its last call on {call_evidence.moment(call_evidence.last(recent))}."
        own_addresses = {row["address"] for row in owner_rows}
        is_own = not owner_rows or own_addresses & {item.source_ip for item in recent}
        confidence = Confidence.PROVEN if is_own else Confidence.INFERRED
        evidence = call_evidence.summary(recent)
        return passed(network, reason=reason, confidence=confidence, pbx_ids=ids, evidence=evidence)
    if entry["role"] == ownership.STANDBY or (owner_rows and all(map(ownership.is_spare, owner_rows))):
        return passed(network, reason=f"{pbx_names} is silent on purpose: it is held in reserve.", pbx_ids=ids)
    claimed = [item for item in late if set(ids) & set(members(item.pbx_id))]
    begun = snapshot.calls_from or snapshot.since
    listed = snapshot.listed_since.get(network, {}).get("since", entry["added_at"])
    starts = [at for at in (begun, listed) if not pd.isna(at)]
    if claimed or begun is None or max(starts) > since:
        reason = f"{pbx_names} placed no call so far, and fewer than {days} days of it are on record. Look again later."
        if claimed:
            claim = caller_claims.sentence(snapshot, call_evidence.callers(claimed), claimed)
            reason = f"No call of {pbx_names} from an address of its own is on record for the last {days} days. "
            reason += f"Calls came from {networks.sources_of(claimed)}; {claim}."
        return unknown(network, reason=reason, pbx_ids=ids, evidence=call_evidence.summary(claimed))
    reason = f"{pbx_names} placed no call in {days} days."
    if any(row["status"] == "active" for row in owner_rows):
        reason += " It is the address of an active PBX: find out why it is silent before removing it."
        return failed(network, reason=reason, pbx_ids=ids)
    return failed(network, reason=reason, pbx_ids=ids, changes=(ownership.remove(entry),))
