"""The title line of each page: its question, with the answer in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd

from dashboard.app_parts import shapes
from dashboard.app_parts.words import ago, count, join, money, plain
from dashboard.calls.refusing import as_now
from dashboard.findings import Finding, Impact, Status
from dashboard.fixes.plan import undone_by
from dashboard.journal import BEGUN, DONE, PARTLY, Entry
from dashboard.snapshot import Age, Snapshot, members

DAY = timedelta(days=1)
REFUSED_SHARE = 0.05
"""A PBX counts as being refused from this share of a day's calls on: one mistyped call is not an outage."""


def failing(findings: Sequence[Finding]) -> list[Finding]:
    """Return what failed, worst first."""
    return [finding for finding in findings if finding.status is Status.FAIL]


def overview(snapshot: Snapshot, findings: Sequence[Finding]) -> str:
    """Say who is refused and who spends our money; else what is left to do; else that all is well."""
    said = [*_refused(snapshot, findings), *_silenced(snapshot, findings), *_spent(snapshot)]
    if said:
        return " ".join(said)
    open_ones = failing(findings)
    if open_ones:
        outage = [finding for finding in open_ones if finding.impact is Impact.OUTAGE]
        about = outage or open_ones
        return f"Calls go through; {count(len(about), 'finding')} {'could stop them' if outage else 'to settle'}."
    if not findings or all(finding.status is Status.UNKNOWN for finding in findings):
        return "Nothing could be checked yet."
    return "Every PBX places calls from a listed address."


def of_findings(findings: Sequence[Finding]) -> str:
    """Say how many findings are open and what they cost."""
    open_ones = failing(findings)
    unknown = sum(finding.status is Status.UNKNOWN for finding in findings)
    tail = f" {count(unknown, 'subject')} could not be evaluated." if unknown else ""
    if not open_ones:
        return f"Nothing fails.{tail}" if findings else "Nothing was checked yet."
    costs = {
        "calls": sum(finding.impact is Impact.OUTAGE for finding in open_ones),
        "money": sum(finding.impact is Impact.LOSS for finding in open_ones),
    }
    verbs = [f"{number} can cost {what}" for what, number in costs.items() if number]
    head = f"{count(len(open_ones), 'finding')} {'is' if len(open_ones) == 1 else 'are'} open"
    return f"{head}{': ' + join(verbs) if verbs else ''}.{tail}"


def of_calls(rows: pd.DataFrame, words: str, outcome: str = "") -> str:
    """Say how many outbound calls there were, and how many were refused unless one ``outcome`` was asked for."""
    total = int(rows["calls"].sum())
    if not total:
        return f"No outbound call {words}."
    if outcome:
        return f"{count(total, 'outbound call')} {words}."
    refused = int(rows.loc[rows["outcome"] == "refused_auth", "calls"].sum())
    verb = "was" if refused == 1 else "were"
    told = f"{refused:,} {verb} refused for authorization" if refused else "none was refused for authorization"
    return f"{count(total, 'outbound call')} {words}; {told}."


def of_account(snapshot: Snapshot, findings: Sequence[Finding]) -> str:
    """Say how many addresses are allowed, and how many of those belong to no PBX."""
    freshness = snapshot.freshness.get("allowed_ips")
    if freshness is None or freshness.as_of is None:
        return "Nobody has said yet which addresses are allowed."
    entries = len(snapshot.allowed_ips)
    if not entries:
        return "No address is on Outbound Allowed IPs."
    stray = sum(finding.check == "allowed_ip_has_pbx" for finding in failing(findings))
    verb = "is" if entries == 1 else "are"
    if freshness.age(snapshot.taken_at) is not Age.FRESH:
        return f"{count(entries, 'address', 'addresses')} {verb} on a list that is out of date."
    belong = f"{stray} of them {'belongs' if stray == 1 else 'belong'} to no PBX" if stray else "each belongs to a PBX"
    return f"{count(entries, 'address', 'addresses')} {verb} allowed; {belong}."


def of_inventory(snapshot: Snapshot) -> str:
    """Say how many PBXs there are and in what state."""
    if snapshot.pbxs.empty:
        return "No PBX is in the inventory yet."
    by_status = snapshot.pbxs["status"].value_counts()
    parts = [
        f"{int(by_status[status])} {'is' if by_status[status] == 1 else 'are'} {words}"
        for status, words in (("active", "active"), ("standby", "on standby"), ("retired", "retired"))
        if status in by_status.index
    ]
    return f"{count(len(snapshot.pbxs), 'PBX', 'PBXs')}: {join(parts)}."


def of_fixes(entries: Sequence[Entry]) -> str:
    """Say how many fixes are active, and how many have no recorded outcome."""
    ended = {entry.action for entry in entries if entry.phase != BEGUN}
    unsettled = sum(entry.phase == BEGUN and entry.action not in ended for entry in entries)
    verb = "has" if unsettled == 1 else "have"
    more = f" {count(unsettled, 'fix', 'fixes')} {verb} no recorded outcome." if unsettled else ""
    done = [entry for entry in entries if entry.phase in (DONE, PARTLY) and entry.undoes is None]
    active = sum(undone_by(entries, entry) is None for entry in done)
    if not done:
        return more.strip() or "No fix was made yet."
    back = len(done) - active
    tail = f"; {back} undone" if back else ""
    head = f"{count(active, 'active fix', 'active fixes')}" if active else "No active fixes"
    return f"{head}{tail}.{more}"


def _refused(snapshot: Snapshot, findings: Sequence[Finding]) -> list[str]:
    """Name PBXs refused within a day: those who still are, as checks and policy stand, and those who no more are."""
    rows = shapes.outbound(snapshot, since=snapshot.taken_at - DAY)
    rows = rows[rows["pbx_id"] != ""]
    if rows.empty:
        return []
    by_pbx = rows.groupby("who")[["calls", "refused"]].sum()
    who = list(by_pbx.index[(by_pbx["refused"] / by_pbx["calls"]).astype("float64") >= REFUSED_SHARE])
    open_ones = [f for f in findings if f.status is not Status.PASS and f.impact is Impact.OUTAGE]
    named = {pbx_id for finding in open_ones for pbx_id in finding.pbx_ids}
    out = {snapshot.name_of(pbx_id) for pbx_id in rows["pbx_id"].unique() if named.intersection(members(pbx_id))}
    lost = rows[rows["refused"] > 0]
    now = out & set(lost.loc[as_now(lost, snapshot.versions), "who"])
    still, before = [name for name in who if name in now], [name for name in who if name not in now]
    said = [f"{join(map(plain, still))} {'is' if len(still) == 1 else 'are'} being refused."] if still else []
    if before:
        of_them = lost[lost["who"].isin(before)]
        verb = "was" if len(before) == 1 else "were"
        said.append(
            f"{join(map(plain, before))} {verb} refused until {ago(of_them['last_at'].max(), snapshot.taken_at)}."
        )
    return said


def _silenced(snapshot: Snapshot, findings: Sequence[Finding]) -> list[str]:
    """Name PBXs that are not on the list and of which no call is seen: refusals may leave no call record."""
    rows = shapes.outbound(snapshot, since=snapshot.taken_at - DAY)
    heard = set(rows["source_ip"])
    unlisted = [f for f in failing(findings) if f.check == "pbx_address_is_allowed" and f.subject not in heard]
    who = sorted({snapshot.name_of(pbx_id) for finding in unlisted for pbx_id in finding.pbx_ids})
    if not who:
        return []
    return [f"{join(map(plain, who))} {'is' if len(who) == 1 else 'are'} silent and not on the list."]


def _spent(snapshot: Snapshot) -> list[str]:
    rows = shapes.outbound(snapshot, since=snapshot.taken_at - DAY)
    rows = rows[(rows["pbx_id"] == "") & (rows["calls"] > 0)]
    cost = float(rows["cost_usd"].sum()) if len(rows) else 0.0
    if not cost:
        return []
    sources = sorted(rows.loc[rows["cost_usd"].astype("float64") > 0, "source_ip"].unique())
    what = f"{sources[0]}, which nobody owns," if len(sources) == 1 else f"{len(sources)} addresses nobody owns"
    return [f"{what} spent {money(cost, digits=0 if cost >= 1 else 2)} in 24 hours."]
