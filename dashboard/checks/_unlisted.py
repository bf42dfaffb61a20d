"""What it means that calls come from an address that is not listed."""

from __future__ import annotations

from dataclasses import replace

from dashboard.checks import _evidence as ev
from dashboard.checks import _inventory as inv
from dashboard.checks import failed, passed, unknown
from dashboard.findings import Confidence, Impact, Severity, Status, Verdict
from dashboard.snapshot import Snapshot, members


def judge_each(snapshot: Snapshot, owners: inv.Owners, calls: ev.Tallies) -> Verdict:
    """Judge the calls from one address by whose they are; where several call from it, the worst says so of all."""
    address = calls[0].source_ip
    each = [
        judge(snapshot, owners, owner, [one for one in calls if one.pbx_id == owner])
        for owner in sorted({one.pbx_id for one in calls}, key=lambda owner: (not owner, owner))
    ]
    statuses = list(Status)
    each.sort(key=lambda one: (statuses.index(one.status), one.severity.rank if one.severity else 0))
    ids = tuple(dict.fromkeys(pbx_id for one in each for pbx_id in one.pbx_ids))
    return replace(
        each[0],
        reason=" ".join(one.reason for one in each),
        pbx_ids=ids,
        evidence=tuple(row for one in each for row in one.evidence),
        changes=owners.allow(address, ids) if each[0].changes else (),
    )


def judge(snapshot: Snapshot, owners: inv.Owners, owner: str, calls: ev.Tallies) -> Verdict:
    """
    Judge the calls that one PBX, or nobody, placed from an address that is not listed.

    Args:
        snapshot: The account and the inventory.
        owners: Whose addresses are.
        owner: The PBX that the calls are attributed to, as ``pbx_id`` of TRAFFIC; ``""`` for nobody.
        calls: From one source address, as ``_evidence.of_today`` gives them; at least one.
    """
    address = calls[0].source_ip
    ids = members(owner)
    let_in, evidence = ev.admitted(snapshot, calls), ev.summary(calls)
    told = ev.told(snapshot, let_in, "admitted") or ev.told(snapshot, calls, "refused")
    who = f"One of {', '.join(map(snapshot.name_of, ids))} ({address})" if len(ids) > 1 else ""
    base = f"{who or ev.named(snapshot, ids, address)} is not on the list; {told}"
    if let_in and snapshot.account.credentials_on is False:
        reason = f"{base} with credentials off, which cannot be: the list on record is out of date."
        return unknown(address, reason=reason, pbx_ids=ids, evidence=evidence)
    kind = owners.kind(owner)
    if let_in and kind == "dynamic":
        by_tag = {one.attributed_by for one in let_in} == {"x_tag"} and owner not in inv.ids(owners.ever.of(address))
        reason = f"{base} with credentials, which a dynamic address needs{ev.BY_TAG if by_tag else ''}."
        confidence = Confidence.INFERRED if by_tag else Confidence.PROVEN
        return passed(address, reason=reason, confidence=confidence, pbx_ids=ids, evidence=evidence)
    severity, impact, more = Severity.HIGH, Impact.LOSS if let_in else Impact.OUTAGE, ""
    if not kind and let_in:
        severity, more = Severity.CRITICAL, ": somebody who is none of our PBXs uses the account's credentials"
    elif not kind:
        severity, impact, more = Severity.LOW, Impact.HYGIENE, ": the list does its work"
        more += ". If the address is one of yours, add it to the inventory"
    return failed(
        address,
        reason=f"{base}{more or (', by credentials alone' if let_in else '')}.{owners.next_step(address, ids)}",
        severity=severity,
        impact=impact,
        confidence=Confidence.INFERRED if len(ids) > 1 else Confidence.PROVEN,
        pbx_ids=ids,
        evidence=evidence,
        changes=owners.allow(address, ids) if kind == "static" else (),
    )
