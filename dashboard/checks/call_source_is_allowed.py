"""A call from an unlisted address is rejected unless it authenticates with the account's SIP credentials."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.checks.evidence import caller_claims, ownership, pbx_records
from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence.unlisted import judge_each
from dashboard.checks.registry import ACCOUNT_SUBJECT, check, passed, unknown
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
    owners = snapshot.memoize(ownership.AddressOwners)
    for address, whole in snapshot.memoize(call_evidence.OutboundCalls).by_source.items():
        calls = call_evidence.of_today(snapshot, address, whole)
        words = [one for one in whole if caller_claims.is_claimed(owners, one)]
        words = [] if owners.now.of(address) else words
        pbx_ids = () if words else caller_claims.callers(owners, address, whole)
        claimed = call_evidence.callers(words)
        claim = f"; {caller_claims.sentence(snapshot, claimed, words)}" if claimed else ""
        pbxs = call_evidence.address_label(snapshot, pbx_ids, address)
        if not address:
            yield unknown(
                ACCOUNT_SUBJECT,
                reason=f"The account has {call_evidence.calls_and_dollars(whole)} without a source address.",
            )
        elif contains(snapshot.policy.networks, address):
            proven = call_evidence.admitted(snapshot, calls) and not claimed
            confidence = Confidence.PROVEN if proven else Confidence.INFERRED
            qualifier = "" if pbx_ids else f", though no PBX of the inventory calls from it{claim}"
            yield passed(address, reason=f"{pbxs} is on the list{qualifier}.", confidence=confidence, pbx_ids=pbx_ids)
        elif not calls and (pbx_ids or claimed) and Capability.REFUSALS_IN_CDRS not in snapshot.capabilities:
            lost_attempts = pbx_records.find_lost_attempts(snapshot, pbx_ids, address)
            observation = (
                lost_attempts.sentence
                if lost_attempts
                else f"{call_evidence.silence(snapshot)} {call_evidence.since_policy(snapshot, address)}"
            )
            reason = f"{pbxs} is not on the list; {observation}{claim}."
            evidence = lost_attempts.evidence if lost_attempts else ()
            reason += owners.next_step(address, pbx_ids or claimed)
            yield unknown(
                address, reason=reason, severity=Severity.MEDIUM, pbx_ids=pbx_ids or claimed, evidence=evidence
            )
        elif not calls and call_evidence.has_calls_since_change(snapshot, address):
            reason = (
                f"{pbxs} is not on the list, and no call came from it {call_evidence.since_policy(snapshot, address)}."
            )
            yield passed(address, reason=reason, pbx_ids=pbx_ids)
        elif not calls:
            reason = (
                f"{pbxs} is not on the list, and no calls were fetched since that changed. {cure(snapshot, 'calls')}"
            )
            yield unknown(address, reason=reason, severity=Severity.LOW, pbx_ids=pbx_ids or claimed)
        else:
            yield judge_each(snapshot, owners, calls)
