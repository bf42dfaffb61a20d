"""Calls of a static PBX from an unlisted public address are rejected unless they authenticate with credentials."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence import ownership, pbx_records
from dashboard.checks.registry import check, failed, passed, unknown
from dashboard.core.addresses import contains
from dashboard.domain.findings import Cause, Confidence, Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot


@check(
    title="Every address of a static PBX is on Outbound Allowed IPs",
    severity=Severity.HIGH,
    impact=Impact.OUTAGE,
    control=("CIS v8.1 1.1", "SOC 2 CC6.6", "ISO 27001:2022 A.8.9"),
    deciding=("inventory", "allowed_ips"),
    additional=("calls", "credentials"),
)
def pbx_address_is_allowed(snapshot: Snapshot) -> Iterator[Verdict]:
    """Every public address of a static PBX is on the list, those of its failover and of standby sites too."""
    live = ownership.live(snapshot)
    current = snapshot.memoize(ownership.current)
    owners = snapshot.memoize(ownership.AddressOwners)
    static = live[live["ip_kind"] == "static"]
    addresses = current[current["ip_kind"] == "static"]
    for pbx_id in static.loc[~static["pbx_id"].isin(addresses["pbx_id"]), "pbx_id"]:
        reason = f"The inventory has no current address for {snapshot.name_of(pbx_id)}. Add one on the page Inventory."
        yield unknown(pbx_id, reason=reason, cause=Cause.MISSING, pbx_ids=(pbx_id,))
    calls = snapshot.memoize(call_evidence.OutboundCalls)
    pbx_ids_of = dict[str, dict[str, None]]()
    for address, pbx_id in zip(addresses["address"], addresses["pbx_id"], strict=True):
        pbx_ids_of.setdefault(str(address), {})[str(pbx_id)] = None
    for address, ids in pbx_ids_of.items():
        yield _verdict(snapshot, address, owners, tuple(ids), calls.of(address))


def _verdict(
    snapshot: Snapshot,
    address: str,
    owners: ownership.AddressOwners,
    ids: tuple[str, ...],
    calls: call_evidence.Tallies,
) -> Verdict:
    pbxs = call_evidence.address_label(snapshot, ids, address)
    wrong = ownership.fault(snapshot, address)
    if wrong:
        return unknown(address, reason=f"The inventory's address of {pbxs} cannot be listed. {wrong}", pbx_ids=ids)
    calls = call_evidence.of_today(snapshot, address, calls)
    let_in = call_evidence.admitted(snapshot, calls)
    turned_away = call_evidence.refused(snapshot, calls)
    lost = pbx_records.find_lost_attempts(snapshot, ids, address, let_in)
    call_rows = call_evidence.summary(calls)
    missed = lost.evidence if lost else ()
    confidence = Confidence.PROVEN if let_in or turned_away else Confidence.INFERRED
    refusal = call_evidence.outcome_text(snapshot, turned_away, "refused")
    if not contains(snapshot.policy.networks, address):
        admission = call_evidence.outcome_text(snapshot, let_in, "admitted")
        by_credentials = f"{admission}, by credentials alone" if let_in else ""
        unseen = f"{lost.sentence}, {pbx_records.meaning(snapshot)}" if lost else pbx_records.silence(snapshot, ids)
        reason = f"{pbxs} is not on the list; {refusal or by_credentials or unseen}."
        fix = owners.allow(address, ids)
        evidence = call_rows or missed
        return failed(address, reason=reason, confidence=confidence, pbx_ids=ids, evidence=evidence, changes=fix)
    unseen = lost.sentence if lost and lost.attempts >= pbx_records.ENOUGH else ""
    if unseen or (turned_away and not let_in):
        reason = f"{pbxs} is on the list, and yet {unseen or refusal}: "
        reason += "the list on record is out of date, or the PBX dials another tech prefix"
        reason += ", or its calls do not reach the carrier." if unseen else "."
        return unknown(address, reason=reason, pbx_ids=ids, evidence=missed if unseen else call_rows)
    return passed(address, reason=f"{pbxs} is on the list.", confidence=confidence, pbx_ids=ids, evidence=call_rows)
