"""
Lifecycle of findings: new, open, planned, applied, verified, regressed.

Verdicts describe the current snapshot; the state database stores the lifecycle of each finding between runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.core.clocks import to_come
from dashboard.domain.changes import Plan
from dashboard.domain.findings import Finding, Life, Status
from dashboard.fixes import planner
from dashboard.storage import PHASE_DONE, Journal, State, database

ENDED = (Life.VERIFIED,)


def with_lifecycle(current: Sequence[Finding], *, state: State, journal: Journal, now: datetime) -> list[Finding]:
    """
    Set the lifecycle state of findings, and store it.

    A failure is new, then open; planned once a plan for it was shown; applied once a fix was carried out
    and the check does not pass yet; a pass after a failure is verified; a failure after that regressed.
    A last known failure counts as a failure: it keeps its state and the time it was first seen. Any other finding that
    cannot be evaluated keeps its stored state, and is never verified.

    Args:
        current: Current findings of the checks.
        state: State database, which stores the lifecycle of each finding.
        journal: Journal, for the fixes that were carried out and not undone.
        now: Time of the checks, UTC.
    """
    with state.reading() as connection:
        stored_rows = {
            (row["check"], row["subject"]): dict(row)
            for row in connection.execute(database.findings.select()).mappings()
        }
    planned = {(plan.check, plan.subject): plan.made_at for plan in reversed(state.plans()) if plan.undoes is None}
    applied = _applied(journal)
    stamped = []
    rows = []
    for finding in current:
        key = (finding.check, finding.subject)
        stored = stored_rows.get(key)
        before = _without_future_times(stored, now)
        row = _next(finding, before, planned_at=planned.get(key), applied_at=applied.get(key), now=now)
        unconfirmed = finding.status is Status.UNKNOWN and not finding.open
        if row is None:
            stamped.append(replace(finding, life=Life.UNCONFIRMED if unconfirmed else Life.VERIFIED))
            continue
        rows.append((stored, row))
        life = Life.UNCONFIRMED if unconfirmed and row["life"] in ENDED else Life(row["life"])
        stamped.append(
            replace(
                finding,
                life=life,
                first_seen_at=row["first_seen_at"],
                last_seen_at=row["last_seen_at"],
                times_reopened=row["times_reopened"],
            )
        )
    _remember(state, rows)
    return stamped


def _without_future_times(row: dict[str, Any] | None, now: datetime) -> dict[str, Any] | None:
    """Return a row with future times replaced by now: they were written while the clock was ahead."""
    if row is None:
        return None
    times = {name: now for name in ("first_seen_at", "last_seen_at") if to_come(row[name], now)}
    return row | times


def _next(
    finding: Finding,
    before: dict[str, Any] | None,
    *,
    planned_at: datetime | None,
    applied_at: datetime | None,
    now: datetime,
) -> dict[str, Any] | None:
    """Return the row to store; ``None`` for a subject that never failed."""
    if not finding.open:
        if before is None:
            return None
        return before | {"status": str(finding.status), "life": str(_settled(finding, before)), "last_seen_at": now}
    row: dict[str, Any]
    if before is None:
        row = {"first_seen_at": now, "times_reopened": 0}
        life = Life.NEW
    elif before["life"] in ENDED:
        row = {"first_seen_at": before["first_seen_at"], "times_reopened": before["times_reopened"] + 1}
        life = Life.REGRESSED
    else:
        row = {"first_seen_at": before["first_seen_at"], "times_reopened": before["times_reopened"]}
        life = _going_on(before, planned_at=planned_at, applied_at=applied_at, now=now)
    return row | {
        "check": finding.check,
        "subject": finding.subject,
        "status": str(finding.status),
        "life": str(life),
        "last_seen_at": now,
    }


def _going_on(
    before: dict[str, Any], *, planned_at: datetime | None, applied_at: datetime | None, now: datetime
) -> Life:
    """
    Return the lifecycle state of a finding that already failed before.

    Fixes and plans from before the failure was first seen, or before it recurred, are ignored. The stored
    ``last_seen_at`` is when the row last changed, because a row that was only seen again is not written.
    """
    reopened = before["times_reopened"] > 0
    since = before["last_seen_at"] if reopened else before["first_seen_at"]
    dated = applied_at is not None and not to_come(applied_at, now)
    if applied_at and ((dated and applied_at >= since) or before["life"] == Life.APPLIED):
        return Life.APPLIED
    if planned_at and planned_at >= since and not to_come(planned_at, now):
        return Life.PLANNED
    if reopened:
        return Life.PLANNED if before["life"] == Life.PLANNED else Life.REGRESSED
    return Life.OPEN


def _settled(finding: Finding, before: dict[str, Any]) -> Life:
    return Life.VERIFIED if finding.status is Status.PASS else Life(before["life"])


def _applied(journal: Journal) -> dict[tuple[str, str], datetime]:
    """Return when each (check, subject) was last fixed by a fix that was not undone."""
    entries = journal.entries()
    begun = {entry.action: Plan.model_validate(entry.content["plan"]) for entry in entries if "plan" in entry.content}
    effective = [
        entry
        for entry in entries
        if entry.phase == PHASE_DONE and not entry.undoes and not planner.find_undo(entries, entry)
    ]
    return {(begun[entry.action].check, begun[entry.action].subject): entry.at for entry in effective}


def _remember(state: State, rows: Sequence[tuple[dict[str, Any] | None, dict[str, Any]]]) -> None:
    """Write the rows that changed; a concurrent writer of the same findings changes nothing more."""
    changed = [
        row
        for before, row in rows
        if before is None or {**before, "last_seen_at": None} != {**row, "last_seen_at": None}
    ]
    if not changed:
        return
    same_finding = (database.findings.c.check == sa.bindparam("of_check")) & (
        database.findings.c.subject == sa.bindparam("of_subject")
    )
    keys = [{"of_check": row["check"], "of_subject": row["subject"]} for row in changed]
    with state.writing(own_notes=True) as connection:
        connection.execute(database.findings.delete().where(same_finding), keys)
        connection.execute(database.findings.insert(), changed)
