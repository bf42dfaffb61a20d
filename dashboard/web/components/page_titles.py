"""Page titles: one sentence that answers the question of each page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dashboard.calls.replay import is_judged_as_now
from dashboard.charts import KIND_OF_OUTCOME, frames
from dashboard.core.elapsed import ago
from dashboard.core.text import counted, join
from dashboard.domain.claims import Claims, GroupStatus, lacking
from dashboard.domain.findings import Finding, Impact, Status
from dashboard.domain.snapshot import Age, Snapshot, members
from dashboard.fixes import planner
from dashboard.schemas.tables import OUTCOME_LABELS
from dashboard.storage import PHASE_BEGUN, PHASE_DONE, PHASE_PARTLY, JournalEntry
from dashboard.web.components.formatting import money, plain

S = "'s"
FAILED = tuple(outcome for outcome, kind in KIND_OF_OUTCOME.items() if kind == "failed")
"""Outcomes that charts show as "Failed otherwise"; titles count the same calls under that name."""
REFUSED_SHARE = 0.05
"""Minimum share of a day's calls refused for a PBX to count as rejected; one mistyped call is not an outage."""
NAMED_AND_COUNTED = [
    *("source_ip", "placed_by", "pbx_id", "who", "confirmed"),
    *("calls", "refused", "admitted", "first_at", "last_at"),
]
"""Columns that sentences on rejected calls read; a selection of rows copies every column of its frame."""


def overview(claims: Claims) -> str:
    """
    Return the title of the Overview page.

    It names PBXs whose calls are rejected and unassigned addresses that spend money; otherwise the open findings;
    otherwise what the checks found, or that nothing could be checked.
    """
    snapshot = claims.snapshot
    findings = claims.findings
    refused = _refused(snapshot, findings)
    spending = _unassigned_spending(snapshot)
    unlisted, old = _unlisted(claims)
    if claims.fresh("calls"):
        return claims.headline([*refused, *unlisted, *spending], old, ("allowed_ips", "inventory"))
    if snapshot.age("calls") is Age.STALE and (refused or spending):
        return claims.headline(unlisted, [*refused, *spending])
    return claims.headline(unlisted, old, ("allowed_ips", "inventory"))


def of_calls(
    rows: pd.DataFrame,
    words: str,
    outcome: str = "",
    lacking: str = "",
    *,
    recorded: bool = True,
    not_counted: str = "",
) -> str:
    """
    Return the number of outbound calls and, unless the calls are filtered by ``outcome``, how they failed.

    State the absence of authorization refusals only if no other failure is counted, because another failure code can
    hide a refusal.

    Args:
        rows: Calls by outcome.
        words: Text of the time span.
        outcome: The selected outcome; empty for all.
        lacking: Sentence that states why the calls are missing or out of date; with it, the title states no failures.
        recorded: Refused calls are known to be on record (``Capability.REFUSALS_IN_CDRS``).
        not_counted: Sentence that states how many calls are not counted; empty for zero.
    """
    total = int(rows["calls"].sum())
    if lacking:
        head = f"{counted(total, 'outbound call')} on record {words}. {lacking}" if total else lacking
    elif not total:
        head = f"No outbound call on record {words}." if not_counted or not recorded else f"No outbound call {words}."
    elif outcome:
        head = f"{counted(total, 'outbound call')} {words}."
    else:
        head = f"{counted(total, 'outbound call')} {words}; {_failures(rows, recorded=recorded)}."
    return f"{head} {not_counted}".strip()


def _failures(rows: pd.DataFrame, *, recorded: bool) -> str:
    """Return how many calls were refused for authorization and how many failed otherwise, as in the charts."""
    by_outcome = rows.groupby("outcome")["calls"].sum()
    refused, unknown, otherwise = (
        int(sum(by_outcome.get(name, 0) for name in names))
        for names in (("refused_auth",), ("refused_unknown",), FAILED)
    )
    verb = "was" if refused == 1 else "were"
    clauses = [f"{refused:,} {verb} refused for authorization{'' if recorded else ' on record'}"]
    if not refused:
        may_hide = otherwise or not recorded
        clauses = [f"none {'is on record as' if may_hide else 'was'} refused for authorization"]
    label = OUTCOME_LABELS["refused_unknown"]
    part = f" ({unknown:,} {label[0].lower()}{label[1:]})" if unknown else ""
    clauses += [f"{otherwise:,} failed otherwise{part}"] if otherwise else []
    return join(clauses)


def of_account(claims: Claims) -> str:
    """Return how many addresses are allowed and how many of those need review, as in the table."""
    snapshot = claims.snapshot
    if snapshot.age("allowed_ips") is Age.MISSING:
        return claims.lacking("allowed_ips")
    entries = len(snapshot.allowed_ips)
    old = claims.lacking("allowed_ips")
    total = counted(entries, "address", "addresses")
    if not entries:
        return f"Last known: the list is empty. {old}" if old else "No address is on Outbound Allowed IPs."
    states = [claims.entry(network) for network in snapshot.allowed_ips["network"]]
    number = states.count(GroupStatus.OPEN)
    before = states.count(GroupStatus.LAST_KNOWN)
    is_are = "is" if entries == 1 else "are"
    if number:
        return f"{total} {is_are} allowed; {number} {'needs' if number == 1 else 'need'} review. {old}".strip()
    if before:
        gap = claims.lacking("allowed_ips", "inventory", "calls")
        return f"Last known: {total} allowed; {before} needed review. {gap}".strip()
    group_status = claims.standing(["allowed_ip_has_pbx"])
    if group_status is GroupStatus.CLEAR:
        return f"{total} {is_are} allowed; each belongs to a PBX."
    gap = claims.lacking("allowed_ips", "inventory")
    head = f"Last known: {total} allowed." if old else f"{total} {is_are} allowed."
    return f"{head} {gap or 'Whose they all are is not known.'}"


def of_inventory(snapshot: Snapshot) -> str:
    """Return the number of PBXs by status and, if the inventory is out of date, a sentence on that."""
    if snapshot.pbxs.empty:
        return "No PBX is in the inventory yet."
    by_status = snapshot.pbxs["status"].value_counts()
    parts = [
        f"{int(by_status[status])} {'is' if by_status[status] == 1 else 'are'} {words}"
        for status, words in (("active", "active"), ("standby", "on standby"), ("retired", "retired"))
        if status in by_status.index
    ]
    return f"{counted(len(snapshot.pbxs), 'PBX', 'PBXs')}: {join(parts)}. {lacking(snapshot, 'inventory')}".strip()


def of_fixes(entries: Sequence[JournalEntry]) -> str:
    """Return how many fixes are active, undone, and without a recorded outcome."""
    ended = {entry.action for entry in entries if entry.phase != PHASE_BEGUN}
    unsettled = sum(entry.phase == PHASE_BEGUN and entry.action not in ended for entry in entries)
    verb = "has" if unsettled == 1 else "have"
    unsettled_note = f" {counted(unsettled, 'fix', 'fixes')} {verb} no recorded outcome." if unsettled else ""
    completed = [entry for entry in entries if entry.phase in (PHASE_DONE, PHASE_PARTLY) and entry.undoes is None]
    active = sum(planner.find_undo(entries, entry) is None for entry in completed)
    if not completed:
        return unsettled_note.strip() or "No fix was made yet."
    undone_count = len(completed) - active
    tail = f"; {undone_count} undone" if undone_count else ""
    head = f"{counted(active, 'active fix', 'active fixes')}" if active else "No active fixes"
    return f"{head}{tail}.{unsettled_note}"


def _refused(snapshot: Snapshot, findings: Sequence[Finding]) -> list[str]:
    """
    Return sentences on the PBXs whose calls were rejected in the last 24 hours.

    Calls that only claim to be of a dynamic PBX have sentences of their own.
    """
    rows = frames.outbound_of_last_day(snapshot)[NAMED_AND_COUNTED]
    elsewhere = set(rows.loc[~rows["confirmed"], "source_ip"]) - set(rows.loc[rows["confirmed"], "source_ip"])
    rows = rows[rows["placed_by"] != ""]
    claims = ~rows["confirmed"] & (rows["placed_by"] == rows["pbx_id"])
    outages = [one for one in findings if _may_be_failing(one) and one.impact is Impact.OUTAGE]
    return [
        *_rejected(
            snapshot, [one for one in outages if one.subject not in elsewhere], rows[~claims], "{} outbound calls"
        ),
        *_rejected(snapshot, outages, rows[claims], "Calls that claim to be {}"),
    ]


def _rejected(snapshot: Snapshot, outages: Sequence[Finding], rows: pd.DataFrame, calls: str) -> list[str]:
    """
    Return sentences on the callers whose calls were rejected.

    One sentence names PBXs still rejected according to the findings and the current policy, one names the others. It
    says which of those had no admitted call since: a change of the list alone does not show that their calls go
    through again.

    Args:
        snapshot: Policies, and the age of each input.
        outages: Findings that calls fail or may fail.
        rows: Rows of ``frames.outbound_of_last_day``, all of PBXs.
        calls: Subject of a sentence, with ``{}`` for names in the genitive.
    """
    if rows.empty:
        return []
    by_pbx = rows.groupby("who")[["calls", "refused"]].sum()
    who = list(by_pbx.index[(by_pbx["refused"] / by_pbx["calls"]).astype("float64") >= REFUSED_SHARE])
    named = {pbx_id for finding in outages for pbx_id in finding.pbx_ids}
    out = {snapshot.name_of(pbx_id) for pbx_id in rows["placed_by"].unique() if named.intersection(members(pbx_id))}
    lost = rows[rows["refused"] > 0]
    now = out & set(lost.loc[is_judged_as_now(lost, snapshot.versions), "who"])
    still = [name for name in who if name in now]
    before = [name for name in who if name not in now]
    said = [f"{calls.format(join(f'{plain(name)}{S}' for name in still))} are being rejected."] if still else []
    if before and snapshot.age("calls") is Age.FRESH:
        over = not lacking(snapshot, "allowed_ips", "credentials", "inventory")
        until = ago(lost.loc[lost["who"].isin(before), "last_at"].max(), snapshot.taken_at)
        when = f"until {until}{_not_admitted_since(rows, before)}" if over else "in the last 24 hours"
        said.append(f"{calls.format(join(f'{plain(name)}{S}' for name in before))} were rejected {when}.")
    return said


def _not_admitted_since(rows: pd.DataFrame, callers: Sequence[str]) -> str:
    """Return the end of a sentence on callers whose latest refused call no admitted call followed; else ``""``."""
    refused, admitted = (rows[rows[name] > 0].groupby("who")["last_at"].max() for name in ("refused", "admitted"))
    silent = [name for name in callers if name not in admitted or admitted[name] <= refused[name]]
    if not silent:
        return ""
    return "; none was admitted since" if len(silent) == len(callers) else f"; none of {join(map(plain, silent))} since"


def _may_be_failing(finding: Finding) -> bool:
    """Return whether a finding may still be a problem: its status, or last known status, is not a pass."""
    status = finding.last_known.status if finding.last_known else finding.status
    return status is not Status.PASS


def _unlisted(claims: Claims) -> tuple[list[str], list[str]]:
    """
    Return sentences on PBXs without an allow list entry and without calls in the last 24 hours.

    Returns:
        Sentences from fresh data, and sentences from the last known data.
    """
    snapshot = claims.snapshot
    active_sources = set(frames.outbound_of_last_day(snapshot)["source_ip"])
    unlisted = [f for f in claims.open if f.check == "pbx_address_is_allowed" and f.subject not in active_sources]
    silent = "silent and not on the list" if claims.fresh("calls") else "not on the list"
    sentences: list[list[str]] = []
    for old in (False, True):
        ids = {pbx_id for finding in unlisted if finding.failed_last is old for pbx_id in finding.pbx_ids}
        pbx_names = sorted(map(snapshot.name_of, ids))
        sentences.append(
            [f"{join(map(plain, pbx_names))} {'is' if len(pbx_names) == 1 else 'are'} {silent}."] if pbx_names else []
        )
    return sentences[0], sentences[1]


def _unassigned_spending(snapshot: Snapshot) -> list[str]:
    if snapshot.age("inventory") is Age.MISSING:
        return []
    rows = frames.outbound_of_last_day(snapshot)[["placed_by", "source_ip", "calls", "cost_usd"]]
    rows = rows[(rows["placed_by"] == "") & (rows["calls"] > 0)]
    cost = float(rows["cost_usd"].sum()) if len(rows) else 0.0
    if not cost:
        return []
    sources = sorted(rows.loc[rows["cost_usd"].astype("float64") > 0, "source_ip"].unique())
    subject = f"Unassigned address {sources[0]}" if len(sources) == 1 else f"{len(sources)} unassigned addresses"
    return [f"{subject} spent {money(cost, digits=0 if cost >= 1 else 2)} in 24 hours."]
