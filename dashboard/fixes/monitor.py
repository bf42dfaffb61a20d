"""
Monitoring: outcomes of the next calls from the sources that a fix affected.

Only calls that started after the fix count as evidence. A ``Monitor`` reads them again only if the store or the account
changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.calls.attribution import attribute
from dashboard.calls.replay.refusals import admission_proofs
from dashboard.calls.store.store import CallStore
from dashboard.domain.changes import AllowAddress, Plan, RemoveAddress, SetCredentials
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import ADMISSION, REFUSAL
from dashboard.storage.journal import JournalEntry

ENOUGH = 20
"""Calls after which monitoring ends: at a true share of 5 %, a refused call appears among 20 with probability 64 %."""


@dataclass(frozen=True)
class MonitorResult:
    """
    Number of calls from the affected sources since the fix.

    Calls that prove neither admission nor refusal count only in ``calls``.
    """

    calls: int
    admitted: int
    refused: int
    since: datetime
    sources: tuple[str, ...]
    """Monitored addresses; empty if all sources are monitored."""
    foreseen: int = 0
    """Refused calls of PBXs whose calls the plan predicted to break."""
    foreseen_of: tuple[str, ...] = ()
    """Names of those PBXs."""
    others: tuple[str, ...] = ()
    """Names of PBXs with other refused calls; empty if single addresses are monitored."""

    @property
    def over(self) -> bool:
        """Whether enough calls that prove admission or refusal were observed."""
        return self.decided >= ENOUGH

    @property
    def decided(self) -> int:
        """Number of calls that prove admission or refusal."""
        return self.admitted + self.refused


def watch(plan: Plan, ended: JournalEntry, *, store: CallStore, snapshot: Snapshot) -> MonitorResult:
    """
    Count the outbound calls since a fix from the sources that it affected.

    Args:
        plan: Plan that was applied.
        ended: Its ``done`` entry.
        store: Calls, synced since the fix.
        snapshot: Policy versions and inventory; its calls are not used. If the plan changes the credentials switch,
            the calls of all PBXs of the inventory are counted, and no others.
    """
    since = ended.at.replace(microsecond=0) + timedelta(seconds=1)
    rows = store.traffic(since=since, split_at=[since])
    rows = rows[(rows["direction"] == "outbound") & (rows["first_at"] >= since)]
    sources: tuple[str, ...] = ()
    if any(isinstance(change, SetCredentials) for change in plan.changes):
        rows = attribute(
            rows, pbxs=snapshot.pbxs, pbx_addresses=snapshot.pbx_addresses, pbx_numbers=snapshot.pbx_numbers
        )
        rows = rows[rows["pbx_id"] != ""]
        rows = rows.assign(who=[snapshot.name_of(pbx_id) for pbx_id in rows["pbx_id"]])
    else:
        touched = [c.network for c in plan.changes if isinstance(c, AllowAddress | RemoveAddress)]
        sources = tuple(dict.fromkeys(touched))
        rows = rows[rows["source_ip"].isin(sources)].assign(who="")
    proven = admission_proofs(rows, snapshot.versions, snapshot.observed)
    missed = rows[proven == REFUSAL]
    meant = missed["who"].isin(plan.impact.breaks)
    return MonitorResult(
        calls=int(rows["calls"].sum()),
        admitted=int(rows.loc[proven == ADMISSION, "calls"].sum()),
        refused=int(missed["calls"].sum()),
        since=since,
        sources=sources,
        foreseen=int(missed.loc[meant, "calls"].sum()),
        foreseen_of=tuple(sorted(set(missed.loc[meant, "who"]))),
        others=tuple(sorted(set(missed.loc[~meant, "who"]) - {""})),
    )


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
