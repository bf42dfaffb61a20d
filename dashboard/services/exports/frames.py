"""Tables to export, as frames with readable column names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd

from dashboard.calls import CallFilter, CallStore, Replay, attribute
from dashboard.calls.pbx_records import PbxRecords
from dashboard.domain.claims import age_s
from dashboard.domain.findings import Finding
from dashboard.domain.replay_labels import LABELS
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import UTC_TIME
from dashboard.services.exports.csv_files import Table
from dashboard.storage import PHASE_BEGUN, JournalEntry

MOST_CALLS, PIECE = 1_000_000, 50_000
"""Maximum rows of a spreadsheet sheet, rounded down; and number of calls in memory at once."""
OF_SNAPSHOT = ("pbxs", "pbx_addresses", "pbx_numbers", "pbx_config", "numbers", "routes", "edges")


def findings_frame(findings: Sequence[Finding], snapshot: Snapshot) -> pd.DataFrame:
    """
    Return the compliance table: a row per check and subject, with passes and unknowns as well as failures.

    Args:
        findings: Findings of a run, in the order of the rows.
        snapshot: Provides the PBXs' names and the time.
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
            "last_known_status": str(finding.last_known.status) if finding.last_known else "",
            "last_known_at": finding.last_known.as_of if finding.last_known else None,
            "last_known_age_s": age_s(finding, snapshot.taken_at),
            "without": "; ".join(finding.without),
            "proposed_fix": "; ".join(change.describe() for change in finding.proposals),
            "first_seen_at": finding.first_seen_at,
            "times_reopened": finding.times_reopened,
            "controls": "; ".join(finding.controls),
            "evaluated_at": snapshot.taken_at,
        }
        for finding in findings
    ]
    columns = (
        "check title subject pbx status severity confidence impact state reason not_evaluated_because "
        "last_known_status last_known_at last_known_age_s without proposed_fix first_seen_at "
        "times_reopened controls evaluated_at"
    )
    frame = pd.DataFrame(rows, columns=columns.split())
    return frame.astype({"last_known_at": UTC_TIME, "last_known_age_s": "Int64"})


def replay_frame(answer: Replay) -> pd.DataFrame:
    """
    Return a replay by caller and label; the sums of ``calls`` equal the counts on the pages.

    Args:
        answer: The replay.

    Returns:
        ``who``, ``label``, ``calls``, ``minutes``, ``cost_usd``, ``decided_today_by``, ``decided_after_by``,
        ``undecided_because``; labels in the order of ``replay_labels``, then most calls first.
    """
    rows = answer.by_pbx()
    order = rows["label"].map({label: position for position, label in enumerate(LABELS)})
    rows = rows.assign(order=order).sort_values("order", kind="stable", ignore_index=True).drop(columns="order")
    names = {"today": "decided_today_by", "then": "decided_after_by", "why": "undecided_because"}
    return rows.assign(minutes=rows["minutes"].round(1)).rename(columns=names)


def allowed_ips_frame(snapshot: Snapshot) -> pd.DataFrame:
    """
    Return the list with its history: since when each entry is on it and who added it, by this product's records.

    Data from the carrier is in separate columns, because the carrier assigns a new date whenever an entry is put back.
    For an entry from a pasted list, only the time of the paste is known, not when the entry was added.
    """
    rows = []
    for entry in snapshot.allowed_ips.to_dict("records"):
        period = snapshot.listed_since.get(entry["network"], {})
        first_seen = period.get("since_known_by") == "first_seen"
        by_carrier = entry["known_by"] != "operator"
        rows.append(
            {
                "network": entry["network"],
                "label": entry["label"],
                "since": period.get("since"),
                "since_known_by": period.get("since_known_by", ""),
                "added_by": "" if first_seen else period.get("added_by", ""),
                "first_seen_by": period.get("added_by", "") if first_seen else "",
                "earlier_periods": "; ".join(earlier_periods(snapshot, str(entry["network"]))),
                **{name: entry[name] for name in ("owner", "purpose", "review_by", "role", "known_by")},
                "carrier_added_at": entry["added_at"] if by_carrier else None,
                "carrier_added_by": entry["added_by"] if by_carrier else "",
            }
        )
    known_of_it = ("network", "label", "since", "since_known_by", "added_by", "first_seen_by", "earlier_periods")
    carrier_columns = ("owner", "purpose", "review_by", "role", "known_by", "carrier_added_at", "carrier_added_by")
    frame = pd.DataFrame(rows, columns=[*known_of_it, *carrier_columns])
    times = ("since", "review_by", "carrier_added_at")
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in times})


def earlier_periods(snapshot: Snapshot, network: str) -> list[str]:
    """Return the earlier periods of an entry on the list, as ``2026-10-15 to 2026-11-02, added by ann``."""
    rows = snapshot.entry_periods
    rows = rows[(rows["network"] == network) & rows["until"].notna()]
    return [
        f"{row['since']:%Y-%m-%d} to {row['until']:%Y-%m-%d}" + (f", {_by(row)}" if row["added_by"] else "")
        for row in rows.to_dict("records")
    ]


def _by(period: Mapping[Any, Any]) -> str:
    return f"{'first seen' if period['since_known_by'] == 'first_seen' else 'added'} by {period['added_by']}"


def journal_frame(entries: Sequence[JournalEntry]) -> pd.DataFrame:
    """Return the journal, oldest first: actor, action, outcome and chain hashes; open fixes are marked as such."""
    ended = {entry.action for entry in entries if entry.phase != PHASE_BEGUN}
    rows = [
        {
            "entry": entry.id,
            "at": entry.at,
            "phase": entry.phase,
            "who": entry.actor,
            "what": entry.title,
            "undoes": entry.undoes,
            "message": entry.content.get("message", "") if entry.action in ended else "No recorded outcome.",
            "plan_hash": entry.plan_hash,
            "previous_hash": entry.previous_hash,
            "hash": entry.hash,
        }
        for entry in entries
    ]
    columns = ["entry", "at", "phase", "who", "what", "undoes", "message", "plan_hash", "previous_hash", "hash"]
    return pd.DataFrame(rows, columns=columns)


def all_tables(
    snapshot: Snapshot, findings: Sequence[Finding], entries: Sequence[JournalEntry], store: CallStore
) -> dict[str, Table]:
    """
    Return all tables by file name, without extension.

    Args:
        snapshot: The account and the inventory.
        findings: Findings of a run on that snapshot.
        entries: The journal.
        store: Call store, for the calls of the window and, separately, for those that are only in imported files and in
            no total; at most the newest ``MOST_CALLS`` of each.
    """
    frames = {name: getattr(snapshot, name) for name in OF_SNAPSHOT}
    calls = partial(_calls, snapshot, store)
    traffic = partial(_traffic, snapshot, store)
    return {
        "findings": Table.of(findings_frame(findings, snapshot)),
        "allowed_ips": Table.of(allowed_ips_frame(snapshot)),
        **{name: Table.of(frame) for name, frame in frames.items()},
        "imported_only_calls": Table(
            _count(snapshot, store, file_only=True),
            lambda most: next(iter(_calls(snapshot, store, most, file_only=True))),
            lambda: _calls(snapshot, store, PIECE, file_only=True),
        ),
        "traffic": Table(None, lambda most: traffic().head(most), lambda: [traffic()]),
        "calls": Table(
            _count(snapshot, store),
            lambda most: next(iter(calls(most))),
            lambda: calls(PIECE),
        ),
        "rejected_rows": Table.of(pd.concat([store.rejects(), PbxRecords(store).rejects()], ignore_index=True)),
        "journal": Table.of(journal_frame(entries)),
    }


def _traffic(snapshot: Snapshot, store: CallStore) -> pd.DataFrame:
    """Return the attributed hourly roll-up."""
    traffic = store.traffic(since=_since(snapshot), until=snapshot.taken_at, split_at=snapshot.split_at)
    return _attributed(traffic, snapshot)


def _count(snapshot: Snapshot, store: CallStore, *, file_only: bool = False) -> int:
    """Return the number of calls that ``_calls`` yields; it queries the store only if calls are dated in the future."""
    rows = snapshot.file_only_traffic if file_only else snapshot.traffic
    if (rows["last_at"] >= snapshot.taken_at).any():
        since = snapshot.window_start or _since(snapshot) if file_only else _since(snapshot)
        rows = store.traffic(since=since, until=snapshot.taken_at, file_only=file_only)
    return min(int(rows["calls"].sum()), MOST_CALLS)


def _calls(snapshot: Snapshot, store: CallStore, piece: int, *, file_only: bool = False) -> Iterator[pd.DataFrame]:
    """
    Yield the calls of the snapshot in pieces, newest first, attributed.

    Args:
        snapshot: Provides the window and the inventory.
        store: Call store.
        piece: Maximum number of calls per frame.
        file_only: Yield instead the calls that are only in imported files, marked by ``provenance``.
    """
    since = snapshot.window_start or _since(snapshot) if file_only else _since(snapshot)
    criteria = CallFilter(since=since, until=snapshot.taken_at, file_only=file_only)
    after = None
    remaining = MOST_CALLS
    while True:
        calls = store.calls(criteria, limit=min(piece, remaining), after=after)
        yield _attributed(calls, snapshot)
        remaining -= len(calls)
        if len(calls) < piece or remaining <= 0:
            return
        last = calls.iloc[-1]
        after = (last["started_at"].to_pydatetime(), str(last["call_key"]))


def _attributed(frame: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
    owners = {name: getattr(snapshot, name) for name in ("pbxs", "pbx_addresses", "pbx_numbers")}
    return attribute(frame, **owners)


def _since(snapshot: Snapshot) -> datetime:
    return snapshot.since or snapshot.taken_at
