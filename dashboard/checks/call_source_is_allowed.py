"""A call from an unlisted address is rejected unless it authenticates with the account's SIP credentials."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.checks.evidence import caller_claims, ownership, pbx_records
from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence.unlisted import judge_each
from dashboard.checks.registry import ACCOUNT, check, passed, unknown
from dashboard.core.addresses import contains
from dashboard.domain.capabilities import Capability
from dashboard.domain.claims import cure
from dashboard.domain.findings import Confidence, Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot


@check(
    title="Outbound calls come from allowed addresses, or from PBXs that must use credentials",
    severity=Severity.HIGH,
    impact=Impact.OUTAGE,
    control=("CIS v8.1 1.2", "CIS v8.1 13.4", "SOC 2 CC6.6", "SOC 2 CC7.2", "NIST 800-53r5 AC-4"),
    deciding=("calls", "allowed_ips", "credentials", "inventory"),
)
def call_source_is_allowed(snapshot: Snapshot) -> Iterator[Verdict]:
    """Every source address seen in outbound calls is on the list, or is that of a PBX that must use credentials."""
    owners = snapshot.once(ownership.AddressOwners)
    for address, whole in snapshot.once(call_evidence.OutboundCalls).by_source.items():
        calls = call_evidence.of_today(snapshot, address, whole)
        words = [one for one in whole if caller_claims.is_claimed(owners, one)]
        words = [] if owners.now.of(address) else words
        known = () if words else caller_claims.callers(owners, address, whole)
        claimed = call_evidence.callers(words)
        said = f"; {caller_claims.sentence(snapshot, claimed, words)}" if claimed else ""
        who = call_evidence.named(snapshot, known, address)
        if not address:
            yield unknown(
                ACCOUNT, reason=f"The account has {call_evidence.calls_and_dollars(whole)} without a source address."
            )
        elif contains(snapshot.policy.networks, address):
            proven = call_evidence.admitted(snapshot, calls) and not claimed
            confidence = Confidence.PROVEN if proven else Confidence.INFERRED
            whose = "" if known else f", though no PBX of the inventory calls from it{said}"
            yield passed(address, reason=f"{who} is on the list{whose}.", confidence=confidence, pbx_ids=known)
        elif not calls and (known or claimed) and Capability.REFUSALS_IN_CDRS not in snapshot.capabilities:
            lost = pbx_records.lost(snapshot, known, address)
            heard = (
                lost.sentence
                if lost
                else f"{call_evidence.silence(snapshot)} {call_evidence.since_policy(snapshot, address)}"
            )
            reason = f"{who} is not on the list; {heard}{said}."
            more = lost.evidence if lost else ()
            reason += owners.next_step(address, known or claimed)
            yield unknown(address, reason=reason, severity=Severity.MEDIUM, pbx_ids=known or claimed, evidence=more)
        elif not calls and call_evidence.heard_since_change(snapshot, address):
            reason = (
                f"{who} is not on the list, and no call came from it {call_evidence.since_policy(snapshot, address)}."
            )
            yield passed(address, reason=reason, pbx_ids=known)
        elif not calls:
            reason = (
                f"{who} is not on the list, and no calls were fetched since that changed. {cure(snapshot, 'calls')}"
            )
            yield unknown(address, reason=reason, severity=Severity.LOW, pbx_ids=known or claimed)
        else:
            yield judge_each(snapshot, owners, calls)
