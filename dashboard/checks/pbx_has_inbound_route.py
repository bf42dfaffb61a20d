"""Calls to a number without a static route to its PBX fail, or go to the destination of the default route."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.checks.evidence import routes
from dashboard.checks.registry import check, failed, passed, unknown
from dashboard.core.text import counted
from dashboard.domain.changes import Change, RouteNumber
from dashboard.domain.findings import Cause, Impact, Severity, Verdict
from dashboard.domain.snapshot import Snapshot


@check(
    title="Every number of a PBX has an inbound route to its host",
    severity=Severity.HIGH,
    impact=Impact.OUTAGE,
    control=("CIS v8.1 4.2", "CIS v8.1 12.2", "SOC 2 CC7.1", "ISO 27001:2022 A.8.21"),
    deciding=("routes", "inventory"),
)
def pbx_has_inbound_route(snapshot: Snapshot) -> Iterator[Verdict]:
    """Each number that the inventory gives to a PBX is routed to that PBX's host."""
    for pbx in snapshot.pbxs[snapshot.pbxs["status"] != "retired"].to_dict("records"):
        numbers = snapshot.pbx_numbers.loc[snapshot.pbx_numbers["pbx_id"] == pbx["pbx_id"], "number"]
        yield _verdict(snapshot, {str(key): str(value) for key, value in pbx.items()}, sorted(set(numbers)))


def _verdict(snapshot: Snapshot, pbx: dict[str, str], numbers: list[str]) -> Verdict:
    subject = pbx["pbx_id"]
    pbx_name = snapshot.name_of(pbx["pbx_id"])
    if not numbers and pbx["status"] == "standby":
        return passed(subject, reason=f"{pbx_name} stands by and takes no number of its own.", pbx_ids=(subject,))
    if not numbers:
        reason = f"The inventory gives {pbx_name} no numbers. Add them on the page Inventory."
        return unknown(subject, reason=reason, cause=Cause.MISSING, pbx_ids=(subject,))
    leads = routes.routes_of(snapshot, numbers)
    right = {lead: routes.leads_to(snapshot, lead, pbx) for lead in leads}
    wrong = [lead for lead in leads if right[lead] is False]
    open_ones = [lead for lead in leads if right[lead] is None]
    evidence = tuple(lead.evidence(in_order=right[lead]) for lead in leads)
    if not wrong and not open_ones:
        reason = f"Every number of {pbx_name} is routed to {pbx['inbound_host'] or 'its registration'}."
        return passed(subject, reason=reason, pbx_ids=(subject,), evidence=evidence)
    if not pbx["inbound_host"]:
        reason = f"The inventory does not say at which host {pbx_name} takes calls. Add it on the page Inventory."
        return unknown(subject, reason=reason, cause=Cause.MISSING, pbx_ids=(subject,), evidence=evidence)
    if not wrong:
        reason = f"It cannot be told whether the numbers of {pbx_name} lead to {pbx['inbound_host']}: "
        reason += (
            f"{routes.undecided_text(snapshot, open_ones, pbx)}. Sync the account, or write the same host in both "
            "places."
        )
        return unknown(subject, reason=reason, pbx_ids=(subject,), evidence=evidence)
    destinations = routes.wrong_destinations_text(snapshot, wrong, pbx)
    do = "does" if len(wrong) == 1 else "do"
    total = counted(len(numbers), "number")
    reason = f"{len(wrong)} of {total} of {pbx_name} {do} not lead to {pbx['inbound_host']}: {destinations}."
    if not all(lead.on_account for lead in wrong):
        reason += (
            f" Numbers that are not on the account have to be added at the carrier, or taken from {pbx_name} on "
            "Inventory."
        )
    alias, create = routes.route_to(snapshot, pbx)
    points = [RouteNumber(number=w.number, to_alias=alias, was_alias=w.alias) for w in wrong if w.on_account]
    changes: tuple[Change, ...] = (*create, *points)
    return failed(subject, reason=reason, pbx_ids=(subject,), evidence=evidence, changes=changes if points else ())
