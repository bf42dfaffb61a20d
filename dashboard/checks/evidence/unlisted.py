"""Verdicts on calls from an address that is not listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence import ownership
from dashboard.checks.evidence.caller_claims import examine, is_claimed
from dashboard.checks.registry import failed, passed, unknown
from dashboard.domain.findings import Confidence, Impact, Severity, Status, Verdict
from dashboard.domain.snapshot import Snapshot, members


def judge_each(snapshot: Snapshot, owners: ownership.AddressOwners, calls: call_evidence.Tallies) -> Verdict:
    """
    Return the verdict on the calls from one address; with several callers, the worst status applies to all.

    Calls that only claim to be of a PBX are of another caller than those that it placed while it had the address.
    """
    address = calls[0].source_ip
    callers: dict[tuple[bool, str, bool], list[call_evidence.Tally]] = {}
    for item in calls:
        callers.setdefault((not item.pbx_id, item.pbx_id, is_claimed(owners, item)), []).append(item)
    verdicts = [
        judge(snapshot, owners, owner, some, claimed=claimed) for (_, owner, claimed), some in sorted(callers.items())
    ]
    statuses = list(Status)
    verdicts.sort(key=lambda item: (statuses.index(item.status), item.severity.rank if item.severity else 0))
    ids = tuple(dict.fromkeys(pbx_id for item in verdicts for pbx_id in item.pbx_ids))
    return replace(
        verdicts[0],
        reason=" ".join(item.reason for item in verdicts),
        pbx_ids=ids,
        evidence=tuple(row for item in verdicts for row in item.evidence),
        changes=owners.allow(address, ids) if verdicts[0].changes else (),
    )


def judge(
    snapshot: Snapshot, owners: ownership.AddressOwners, owner: str, calls: call_evidence.Tallies, *, claimed: bool
) -> Verdict:
    """
    Return the verdict on calls from an unlisted address that are attributed to one PBX or to none.

    Args:
        snapshot: The account and the inventory.
        owners: Owners of addresses.
        owner: PBX that the calls are attributed to, as ``pbx_id`` of TRAFFIC; ``""`` if unassigned.
        calls: Calls from one source address, as ``evidence.calls.of_today`` returns them; at least one.
        claimed: Whether only X-Tag or caller id ties the calls to ``owner``.
    """
    address = calls[0].source_ip
    ids = members(owner)
    let_in = call_evidence.admitted(snapshot, calls)
    turned_away = call_evidence.refused(snapshot, calls)
    evidence = call_evidence.summary(calls)
    observation = call_evidence.outcome_text(snapshot, let_in, "admitted") or call_evidence.outcome_text(
        snapshot, turned_away, "refused"
    )
    shared_by = f"One of {', '.join(map(snapshot.name_of, ids))} ({address})" if len(ids) > 1 else ""
    base = f"{shared_by or call_evidence.address_label(snapshot, ids, address)} is not on the list; {observation}"
    if not observation:
        reason = (
            f"{base}{call_evidence.outcome_text(snapshot, calls, 'placed')}, which prove neither admission nor refusal."
        )
        return unknown(address, reason=reason, severity=Severity.MEDIUM, pbx_ids=ids, evidence=evidence)
    if let_in and snapshot.account.credentials_on is False:
        reason = f"{base} with credentials off, which cannot be: the list on record is out of date."
        return unknown(address, reason=reason, pbx_ids=ids, evidence=evidence)
    kind = owners.kind(owner)
    claimed = bool(kind) and claimed
    if let_in and claimed:
        return _judge_claim(snapshot, owners, owner, let_in, f"{base} by credentials alone", evidence)
    if let_in and kind == "dynamic":
        reason = f"{base} with credentials, which a dynamic address needs."
        return passed(address, reason=reason, confidence=Confidence.PROVEN, pbx_ids=ids, evidence=evidence)
    severity = Severity.HIGH
    impact = Impact.LOSS if let_in else Impact.OUTAGE
    addition = ""
    if not kind and let_in:
        severity = Severity.CRITICAL
        addition = ": somebody who is none of our PBXs uses the account's credentials"
    elif not kind:
        severity = Severity.LOW
        impact = Impact.HYGIENE
        addition = ": the list does its work"
        addition += ". If the address is one of yours, add it to the inventory"
    elif claimed:
        addition = f"; {examine(snapshot, owners, owner, calls).sentence}"
    return failed(
        address,
        reason=f"{base}{addition or (', by credentials alone' if let_in else '')}.{owners.next_step(address, ids)}",
        severity=severity,
        impact=impact,
        confidence=Confidence.INFERRED if claimed or len(ids) > 1 else Confidence.PROVEN,
        pbx_ids=ids,
        evidence=evidence,
        changes=owners.allow(address, ids) if kind == "static" else (),
    )


def _judge_claim(
    snapshot: Snapshot,
    owners: ownership.AddressOwners,
    owner: str,
    let_in: call_evidence.Tallies,
    base: str,
    evidence: tuple[Mapping[str, Any], ...],
) -> Verdict:
    """
    Return the verdict on admitted calls that only X-Tag or caller id attribute to a PBX: unknown at best.

    A static PBX calls from its own address. If it does so while another source uses its name, that source is another
    party.
    """
    address = let_in[0].source_ip
    name = snapshot.name_of(owner)
    claim = examine(snapshot, owners, owner, let_in)
    static = owners.kinds[owner] == "static"
    cure = f"If {address} is also an address of {name}, add it to the inventory."
    reason = f"{base}; {claim.sentence}.{claim.against} {cure}"
    if not claim.signs and not static:
        return unknown(address, reason=reason, severity=Severity.HIGH, pbx_ids=(owner,), evidence=evidence)
    return failed(
        address,
        reason=reason,
        severity=Severity.CRITICAL if claim.stolen else Severity.HIGH,
        impact=Impact.LOSS,
        confidence=Confidence.PROVEN if claim.stolen else Confidence.INFERRED,
        pbx_ids=(owner,),
        evidence=evidence,
    )
