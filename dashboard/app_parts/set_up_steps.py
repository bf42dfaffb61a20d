"""The carrier's steps for one PBX, each judged by its evidence. Source: the carrier's set-up of IP authentication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from dashboard.app_parts.words import ago, count, join
from dashboard.checks._evidence import Calls, Tally, last
from dashboard.findings import Finding, Status
from dashboard.snapshot import Snapshot


class Progress(StrEnum):
    """Where a step stands."""

    DONE = "done"
    OPEN = "open"
    UNKNOWN = "cannot tell"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True)
class Step:
    """One step: what to do, where it stands, and what says so."""

    id: str
    title: str
    progress: Progress
    evidence: str


def steps(snapshot: Snapshot, findings: Sequence[Finding], pbx_id: str) -> list[Step]:
    """
    Judge every step for one PBX.

    Args:
        snapshot: The account, the inventory and the calls.
        findings: What the checks say of it.
        pbx_id: Of the inventory.
    """
    pbx = snapshot.pbxs[snapshot.pbxs["pbx_id"] == pbx_id].iloc[0]
    return [
        _kind(snapshot, pbx),
        _dial(pbx),
        _allowed(snapshot, findings, pbx),
        _routed(findings, pbx),
        _first_call(snapshot, pbx),
    ]


def next_open(found: Sequence[Step]) -> Step | None:
    """Return the first step that is not done."""
    return next((step for step in found if step.progress in (Progress.OPEN, Progress.UNKNOWN)), None)


def answer(found: Sequence[Step], name: str) -> str:
    """Say where the set-up stands, as a title."""
    step = next_open(found)
    if step is None:
        return f"{name} is set up: every step is proven."
    number = found.index(step) + 1
    return f"{name}: step {number} of {len(found)} is next, {step.title[0].lower()}{step.title[1:]}."


def addresses(snapshot: Snapshot, pbx_id: str) -> list[str]:
    """Return the addresses the PBX calls from today."""
    rows = snapshot.addresses_at(snapshot.taken_at)
    return [str(address) for address in rows.loc[rows["pbx_id"] == pbx_id, "address"].drop_duplicates()]


def _kind(snapshot: Snapshot, pbx: pd.Series) -> Step:
    seen = addresses(snapshot, str(pbx["pbx_id"]))
    title = "Know whether its address is static"
    if pbx["ip_kind"] == "dynamic":
        text = "Its address is dynamic, so it signs in with SIP credentials; IP authentication needs a static address."
        return Step("kind", title, Progress.DONE, text)
    if not seen:
        text = "It is static, but the inventory has no address for it. Add one on Inventory."
        return Step("kind", title, Progress.OPEN, text)
    return Step("kind", title, Progress.DONE, f"It is static, at {join(seen)}.")


def _dial(pbx: pd.Series) -> Step:
    title = "Dial the tech prefix"
    if pbx["ip_kind"] == "dynamic" or pbx["auth_method"] == "credentials":
        return Step("dial", title, Progress.NOT_NEEDED, "With credentials it dials the number without the prefix.")
    told = {
        "yes": (Progress.DONE, "It dials the prefix."),
        "no": (Progress.OPEN, "It does not dial the prefix yet."),
    }
    progress, text = told.get(
        str(pbx["dials_prefix"]), (Progress.UNKNOWN, "Nobody said yet whether it dials the prefix.")
    )
    return Step("dial", title, progress, text)


def _allowed(snapshot: Snapshot, findings: Sequence[Finding], pbx: pd.Series) -> Step:
    title = "Allow its address"
    if pbx["ip_kind"] == "dynamic":
        text = "An address that changes is not listed; credentials let it in."
        return Step("allow", title, Progress.NOT_NEEDED, text)
    mine = of_pbx(findings, "pbx_address_is_allowed", str(pbx["pbx_id"]))
    return _from_findings("allow", title, mine, addresses(snapshot, str(pbx["pbx_id"])))


def _routed(findings: Sequence[Finding], pbx: pd.Series) -> Step:
    mine = of_pbx(findings, "pbx_has_inbound_route", str(pbx["pbx_id"]))
    return _from_findings("route", "Route its numbers to it", mine, [])


def of_pbx(findings: Sequence[Finding], check: str, pbx_id: str) -> list[Finding]:
    """Return what a check says of one PBX."""
    return [finding for finding in findings if finding.check == check and pbx_id in (*finding.pbx_ids, finding.subject)]


def _from_findings(name: str, title: str, found: Sequence[Finding], about: Sequence[str]) -> Step:
    if not found:
        return Step(name, title, Progress.UNKNOWN, "Nothing is known of it yet.")
    worst = min(found, key=lambda finding: list(Status).index(finding.status))
    progress = {Status.FAIL: Progress.OPEN, Status.UNKNOWN: Progress.UNKNOWN, Status.PASS: Progress.DONE}
    tail = f" ({join(about)})" if worst.status is Status.PASS and about else ""
    return Step(name, title, progress[worst.status], f"{worst.reason}{tail}")


def _first_call(snapshot: Snapshot, pbx: pd.Series) -> Step:
    title = "See its first admitted call"
    rows = snapshot.traffic[
        (snapshot.traffic["pbx_id"] == pbx["pbx_id"]) & (snapshot.traffic["direction"] == "outbound")
    ]
    if rows.empty:
        if pbx["status"] != "active":
            return Step("call", title, Progress.NOT_NEEDED, f"It is {pbx['status']}: no call is expected.")
        days = snapshot.window_days
        return Step("call", title, Progress.OPEN, f"No outbound call of it was seen in the last {count(days, 'day')}.")
    calls = _of_today(snapshot, str(pbx["pbx_id"]))
    if not calls:
        text = "No call was seen from its address of today since the policy for that changed."
        return Step("call", title, Progress.OPEN, text)
    admitted = [one for one in calls if one.outcome != "refused_auth"]
    refused = [one for one in calls if one.outcome == "refused_auth"]
    if not admitted or (refused and last(refused) > last(admitted)):
        when = ago(last(refused), snapshot.taken_at)
        return Step("call", title, Progress.OPEN, f"Its last call was refused for authorization, {when}.")
    return Step("call", title, Progress.DONE, f"Its last call was admitted, {ago(last(admitted), snapshot.taken_at)}.")


def _of_today(snapshot: Snapshot, pbx_id: str) -> list[Tally]:
    """Return the PBX's calls from its addresses of today, from after the latest policy change for each."""
    mine = addresses(snapshot, pbx_id)
    sources = Calls(snapshot).by_source.items()
    found = [one for source, calls in sources if not mine or source in mine for one in calls]
    return [one for one in found if one.today and one.pbx_id == pbx_id]
