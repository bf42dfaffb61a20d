"""
Monitoring: outcomes of the next calls from the sources that a fix affected.

Only calls that started after the fix count as evidence. A ``Monitor`` reads them again only if the store or the account
changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from dashboard.calls import CallStore, attribute, is_only_claimed
from dashboard.calls.replay import admission_proofs
from dashboard.core.addresses import membership
from dashboard.domain.changes import AllowAddress, Plan, RemoveAddress, SetCredentials
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import ADMISSION, REFUSAL
from dashboard.storage import JournalEntry

MONITORED_CALLS = 20
"""Calls after which monitoring ends: at a true share of 5 %, a refused call appears among 20 with probability 64 %."""


@dataclass(frozen=True)
class ProofCounts:
    """Number of calls by what they prove; calls that prove neither admission nor refusal count only in ``calls``."""

    calls: int = 0
    admitted: int = 0
    refused: int = 0

    @property
    def decided(self) -> int:
        """Number of calls that prove admission or refusal."""
        return self.admitted + self.refused


@dataclass(frozen=True)
class MonitorResult:
    """Calls from the affected sources since the fix, apart by whether the fix is meant to admit or to refuse them."""

    since: datetime
    sources: tuple[str, ...] = ()
    """Addresses and networks that the fix added or removed."""
    kept: ProofCounts = ProofCounts()
    """
    Calls that should be admitted: from sources that were added, or are still covered by another entry. If the fix
    changed the credentials switch, the calls of all PBXs of the inventory from their own addresses.
    """
    removed: ProofCounts = ProofCounts()
    """Calls that should be refused: from sources that no entry covers any more."""
    expected_refusals: int = 0
    """Refused calls of ``kept`` of PBXs whose calls the plan predicted to break."""
    expected_callers: tuple[str, ...] = ()
    """Names of those PBXs."""
    others: tuple[str, ...] = ()
    """Names of PBXs with other refused calls of ``kept``; empty if only addresses are monitored."""

    @property
    def over(self) -> bool:
        """Whether enough calls that prove admission or refusal were observed."""
        return self.decided >= MONITORED_CALLS

    @property
    def calls(self) -> int:
        """Number of calls."""
        return self.kept.calls + self.removed.calls

    @property
    def decided(self) -> int:
        """Number of calls that prove admission or refusal."""
        return self.kept.decided + self.removed.decided


def watch(plan: Plan, ended: JournalEntry, *, store: CallStore, snapshot: Snapshot) -> MonitorResult:
    """
    Count the outbound calls since a fix from the sources that it affected.

    Args:
        plan: Plan that was applied.
        ended: Its ``done`` entry.
        store: Calls, synced since the fix.
        snapshot: Policy versions, allow list and inventory; its calls are not used. If the plan changes the credentials
            switch, the calls of all PBXs of the inventory are counted too, but not those of sources that only claim to
            be a PBX.
    """
    since = ended.at.replace(microsecond=0) + timedelta(seconds=1)
    rows = store.traffic(since=since, split_at=[since])
    rows = rows[(rows["direction"] == "outbound") & (rows["first_at"] >= since)]
    added = {change.network for change in plan.changes if isinstance(change, AllowAddress)}
    removed = {change.network for change in plan.changes if isinstance(change, RemoveAddress)}
    touched = membership(added | removed, rows["source_ip"])
    listed = membership(added | (snapshot.policy.networks - removed), rows["source_ip"])
    caller_names = pd.Series("", index=rows.index, dtype="str")
    if any(isinstance(change, SetCredentials) for change in plan.changes):
        caller_names = _confirmed(rows, snapshot)
    is_removed = touched & ~listed
    is_kept = ~is_removed & (touched | (caller_names != ""))
    proven = admission_proofs(rows, snapshot.versions, snapshot.observed)
    missed = is_kept & (proven == REFUSAL)
    is_expected = missed & caller_names.isin(plan.impact.breaks)
    return MonitorResult(
        since=since,
        sources=tuple(dict.fromkeys(c.network for c in plan.changes if isinstance(c, AllowAddress | RemoveAddress))),
        kept=_outcomes(rows[is_kept], proven),
        removed=_outcomes(rows[is_removed], proven),
        expected_refusals=int(rows.loc[is_expected, "calls"].sum()),
        expected_callers=tuple(sorted(set(caller_names[is_expected]))),
        others=tuple(sorted(set(caller_names[missed & ~is_expected]) - {""})),
    )


def _confirmed(rows: pd.DataFrame, snapshot: Snapshot) -> pd.Series[str]:
    """Return the name of each row's PBX; ``""`` without one, and where only the caller says which it is."""
    inventory = {"pbxs": snapshot.pbxs, "pbx_addresses": snapshot.pbx_addresses, "pbx_numbers": snapshot.pbx_numbers}
    rows = attribute(rows, **inventory)
    ids = rows["pbx_id"].where(~is_only_claimed(rows, snapshot.pbx_addresses), "")
    names = [snapshot.name_of(pbx_id) if pbx_id else "" for pbx_id in ids]
    return pd.Series(names, index=rows.index, dtype="str")


def _outcomes(rows: pd.DataFrame, proven: pd.Series[str]) -> ProofCounts:
    proven = proven[rows.index]
    admitted, refused = (int(rows.loc[proven == proof, "calls"].sum()) for proof in (ADMISSION, REFUSAL))
    return ProofCounts(int(rows["calls"].sum()), admitted, refused)


class Monitor:
    """Monitoring of one fix, for a page that polls every few seconds."""

    def __init__(
        self,
        plan: Plan,
        ended: JournalEntry,
        *,
        store: CallStore,
        state: Callable[[], str],
        account: Callable[[], Snapshot],
    ) -> None:
        """
        Prepare monitoring; nothing is read yet.

        Args:
            plan: Plan that was applied.
            ended: Its ``done`` entry.
            store: Calls; its digest identifies its content.
            state: Returns an identifier of the state of the account and the inventory.
            account: Returns policy versions and inventory; calls are not needed.
        """
        self._plan = plan
        self._ended = ended
        self._store = store
        self._state = state
        self._account = account
        self._read_at: tuple[str, str] | None = None
        self._seen: MonitorResult | None = None

    def poll(self) -> MonitorResult:
        """Return the current result; calls are read only if the store or the account changed since the last poll."""
        now = (self._store.digest, self._state())
        if self._seen is None or now != self._read_at:
            self._seen = watch(self._plan, self._ended, store=self._store, snapshot=self._account())
            self._read_at = now
        return self._seen
