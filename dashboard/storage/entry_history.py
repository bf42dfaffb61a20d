"""
Entry history: since when each entry has been on Outbound Allowed IPs and who added it, by this product's records.

The history is derived from the dated versions of the list and from the journal, so every existing home has one. It is
separate from the dates that the carrier reports: the carrier assigns a new date whenever an entry is put back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from dashboard import schemas
from dashboard.domain.changes import AllowAddress, Plan, RemoveAddress
from dashboard.storage.database import State, begins
from dashboard.storage.journal import PHASE_DONE, PHASE_FAILED, PHASE_PARTLY, Journal, JournalEntry

CARRIER, JOURNAL, FIRST_SEEN = "carrier", "journal", "first_seen"
"""Source of a period's start: the carrier's report, a fix by this product, or the copy that first had the entry."""
KIND = "allowed_ips"
END = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
SKEW = timedelta(minutes=5)
"""Maximum time by which the carrier's clock may be behind ours."""


@dataclass(frozen=True)
class Period:
    """A period during which an entry was on the list."""

    network: str
    since: datetime
    since_known_by: str
    """``CARRIER``, ``JOURNAL`` or ``FIRST_SEEN``."""
    added_by: str
    """Who added the entry; for ``FIRST_SEEN``, who declared the list. ``""`` if unknown."""
    until: datetime | None = None
    """End of the period; ``None`` while the entry is on the list."""


@dataclass(frozen=True)
class _Action:
    """Effect of a journal entry on the list."""

    begun_at: datetime
    actor: str
    is_undo: bool
    failed: bool
    allowed: frozenset[str]
    removed: frozenset[str]


def entry_periods(state: State) -> pd.DataFrame:
    """Return ENTRY_PERIODS of a home: every period of every entry, oldest first."""
    all_periods = periods(state.versions(KIND), Journal(state).entries())
    rows = [{name: getattr(period, name) for name in schemas.ENTRY_PERIODS.columns} for period in all_periods]
    return (
        schemas.conform(pd.DataFrame(rows), schemas.ENTRY_PERIODS, source="the history of entries")
        if rows
        else _no_periods()
    )


def periods(versions: Sequence[Mapping[str, Any]], entries: Sequence[JournalEntry]) -> list[Period]:
    """
    Derive the periods of every entry.

    An undo continues the period that its fix ended, because it restores the entry. Any other return of an entry begins
    a new period.

    Args:
        versions: Versions of the list, oldest first, as ``State.versions`` returns them.
        entries: The journal, oldest first.

    Returns:
        Periods ordered by start; the last period of a network is open if the network is on the list now.
    """
    actions = _actions(entries)
    by_network: dict[str, list[Period]] = {}
    before: Mapping[str, Mapping[str, Any]] = {}
    for index, (version, at) in enumerate(zip(versions, begins(versions), strict=True)):
        nearby, later = _nearby_actions(actions, versions, index)
        rows = {row["network"]: row for row in version["content"]}
        for network in before.keys() - rows.keys():
            by_network[network][-1] = replace(by_network[network][-1], until=at)
        for network, row in rows.items():
            network_periods = by_network.setdefault(network, [])
            if network in before and not _was_relisted(row, before[network]):
                continue
            if network_periods and _continues(network, nearby, later):
                network_periods[-1] = replace(network_periods[-1], until=None)
                continue
            if network in before:
                network_periods[-1] = replace(network_periods[-1], until=_added_at(row) or at)
            network_periods.append(_begun(row, version, at, _allowing(network, nearby, later)))
        before = rows
    return sorted(
        (period for network_periods in by_network.values() for period in network_periods),
        key=lambda period: (period.since, period.network),
    )


def _nearby_actions(
    actions: Sequence[_Action], versions: Sequence[Mapping[str, Any]], index: int
) -> tuple[list[_Action], list[_Action]]:
    """
    Return the actions that may have caused a version: those that began before it, and those shortly after.

    An action begins before the carrier changes the list, unless clocks differ. Times are used as written, because a fix
    and the version that it caused carry the time of the same clock, right or wrong.
    """
    written = [version["valid_from"] for version in versions]
    at = written[index]
    never_written = datetime.min.replace(tzinfo=UTC)
    after = max((start for start in written[:index] if start <= at), default=never_written)
    until = written[index + 1] if index + 1 < len(versions) else END
    nearby = [action for action in actions if after < action.begun_at <= at]
    later = [action for action in actions if at < action.begun_at < min(until, at + SKEW)]
    return nearby, later


def _actions(entries: Sequence[JournalEntry]) -> list[_Action]:
    """Return the actions on the list, in order, without those that have no second entry and thus no known outcome."""
    begun = {entry.action: entry for entry in entries if "plan" in entry.content}
    result = []
    for ended in entries:
        if ended.phase not in (PHASE_DONE, PHASE_PARTLY, PHASE_FAILED) or ended.action not in begun:
            continue
        first = begun[ended.action]
        plan = Plan.model_validate(first.content["plan"])
        allowed, removed = (
            frozenset(change.network for change in plan.changes if isinstance(change, kind))
            for kind in (AllowAddress, RemoveAddress)
        )
        failed = ended.phase == PHASE_FAILED
        result.append(_Action(first.at, first.actor, plan.undoes is not None, failed, allowed, removed))
    return result


def _was_relisted(row: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Return whether the carrier reports a later date for an entry that is in both versions."""
    now = _added_at(row)
    old_added_at = _added_at(old)
    return now is not None and old_added_at is not None and now > old_added_at


def _allowing(network: str, *spans: Sequence[_Action]) -> _Action | None:
    """Return the last action that added an entry to the list, from the first span that has one."""
    candidates = ([action for action in span if network in action.allowed and not action.failed] for span in spans)
    return next((allowing[-1] for allowing in candidates if allowing), None)


def _continues(network: str, *spans: Sequence[_Action]) -> bool:
    """Return whether an undo, or the rollback of a failed fix, put an entry back."""
    if (allowing := _allowing(network, *spans)) is not None:
        return allowing.is_undo
    return any(action.failed and network in action.removed for span in spans for action in span)


def _begun(row: Mapping[str, Any], version: Mapping[str, Any], at: datetime, action: _Action | None) -> Period:
    """Return the period that a version begins at its instant."""
    network = str(row["network"])
    by = str(row.get("added_by") or "")
    added_at = _added_at(row)
    if action is not None:
        return Period(network, at, JOURNAL, action.actor)
    if version["known_by"] != CARRIER or row.get("known_by") == "operator":
        declared_by = by or ("" if version["known_by"] == CARRIER else str(version["known_by"]))
        return Period(network, added_at or at, FIRST_SEEN, declared_by)
    if added_at is None:
        return Period(network, at, FIRST_SEEN, by)
    return Period(network, added_at, CARRIER, by)


def _added_at(row: Mapping[str, Any]) -> datetime | None:
    text = row.get("added_at")
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _no_periods() -> pd.DataFrame:
    return schemas.empty(schemas.ENTRY_PERIODS)
