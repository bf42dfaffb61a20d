"""Which tables there are to export, each as a frame under readable column names."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dashboard.calls.attribution import attribute
from dashboard.calls.store import CallFilter, CallStore
from dashboard.findings import Finding
from dashboard.journal import Entry
from dashboard.snapshot import Snapshot

MOST_CALLS = 1_000_000
"""Rows that one spreadsheet sheet can hold, rounded down."""


def findings_frame(findings: Sequence[Finding], snapshot: Snapshot) -> pd.DataFrame:
    """
    Return the compliance table: a row per check and subject, passes and unknowns as well as failures.

    Args:
        findings: Verdicts of a run, in the order they are to stand.
        snapshot: For the PBXs' names and the time.
    """
    rows = [
        {
            "check": finding.check,
            "title": finding.title,
            "subject": finding.subject,
            "pbx": ", ".join(snapshot.name_of(pbx_id) for pbx_id in finding.pbx_ids),
            "status": str(finding.status),
            "severity": str(finding.severity),
            "confidence": str(finding.confidence),
            "impact": str(finding.impact),
            "state": str(finding.life),
            "reason": finding.reason,
            "not_evaluated_because": str(finding.cause or ""),
            "proposed_fix": "; ".join(change.sentence() for change in finding.changes),
            "first_seen_at": finding.first_seen_at,
            "times_reopened": finding.times_reopened,
            "controls": "; ".join(finding.controls),
            "evaluated_at": snapshot.taken_at,
        }
        for finding in findings
    ]
    columns = (
        "check title subject pbx status severity confidence impact state reason not_evaluated_because "
        "proposed_fix first_seen_at times_reopened controls evaluated_at"
    )
    return pd.DataFrame(rows, columns=columns.split())


def journal_frame(entries: Sequence[Entry]) -> pd.DataFrame:
    """Return the journal, oldest first: who, what, how it ended, and the chain."""
    rows = [
        {
            "entry": entry.id,
            "at": entry.at,
            "phase": entry.phase,
            "who": entry.actor,
            "what": entry.title,
            "undoes": entry.undoes,
            "message": entry.content.get("message", ""),
            "plan_hash": entry.plan_hash,
            "previous_hash": entry.previous_hash,
            "hash": entry.hash,
        }
        for entry in entries
    ]
    columns = ["entry", "at", "phase", "who", "what", "undoes", "message", "plan_hash", "previous_hash", "hash"]
    return pd.DataFrame(rows, columns=columns)


def all_tables(
    snapshot: Snapshot, findings: Sequence[Finding], entries: Sequence[Entry], store: CallStore
) -> dict[str, pd.DataFrame]:
    """
    Return every table by the name of its file.

    Args:
        snapshot: The account and the inventory.
        findings: Verdicts of a run on that snapshot.
        entries: The journal.
        store: Calls of the window; the newest ``MOST_CALLS`` where there are more.
    """
    since = snapshot.since or snapshot.taken_at
    owners = {name: getattr(snapshot, name) for name in ("pbxs", "pbx_addresses", "pbx_numbers")}
    return {
        "findings": findings_frame(findings, snapshot),
        "allowed_ips": snapshot.allowed_ips,
        "pbxs": snapshot.pbxs,
        "pbx_addresses": snapshot.pbx_addresses,
        "pbx_numbers": snapshot.pbx_numbers,
        "numbers": snapshot.numbers,
        "routes": snapshot.routes,
        "edges": snapshot.edges,
        "traffic": attribute(store.traffic(since=since, split_at=snapshot.split_at), **owners),
        "calls": attribute(store.calls(CallFilter(since=since), limit=MOST_CALLS), **owners),
        "rejected_rows": store.rejects(),
        "journal": journal_frame(entries),
    }
