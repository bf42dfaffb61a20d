"""
Watch: how the next calls of the sources that a fix touched ended.

The evidence is the calls that started after the fix, and nothing else. A ``Monitor`` reads them again only where the
store or the account changed.
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
"""Calls after which a watch ends: one refused call in twenty shows with 64 % at a true share of 5 %."""


@dataclass(frozen=True)
class MonitorResult:
    """Calls of the touched sources since the fix. Calls that prove neither are in ``calls`` alone."""

    calls: int
    admitted: int
    refused: int
    since: datetime
    sources: tuple[str, ...]
    """Addresses watched; empty where every source is."""
    foreseen: int = 0
    """Refused calls of PBXs that the plan said it would break."""
    foreseen_of: tuple[str, ...] = ()
    """The names of those PBXs."""
    others: tuple[str, ...] = ()
    """PBXs of whom other calls were refused; not told where single addresses are watched."""

    @property
    def over(self) -> bool:
        """Say whether enough calls were seen that prove admission or refusal."""
        return self.decided >= ENOUGH

    @property
    def decided(self) -> int:
        """Return how many calls prove admission or refusal."""
        return self.admitted + self.refused


def watch(plan: Plan, ended: JournalEntry, *, store: CallStore, snapshot: Snapshot) -> MonitorResult:
    """
    Count the outbound calls since a fix of the sources that it touched.

    Args:
        plan: What was applied.
        ended: Its ``done`` entry.
        store: Calls, synced since.
        snapshot: Policy versions and inventory; its calls are not read. When the switch was touched, only calls of
            PBXs of ours are watched.
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
    """The watch of one fix, for a page that asks every few seconds."""

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
        Prepare to watch; nothing is read yet.

        Args:
            plan: What was applied.
            ended: Its ``done`` entry.
            store: Calls; its digest names what it holds.
            state: Names the state of the account and the inventory.
            account: Reads policy versions and inventory; calls are not needed.
        """
        self._plan = plan
        self._ended = ended
        self._store = store
        self._state = state
        self._account = account
        self._read_at: tuple[str, str] | None = None
        self._seen: MonitorResult | None = None

    def poll(self) -> MonitorResult:
        """Return the watch as it is now; calls are read only where something changed since the last time."""
        now = (self._store.digest, self._state())
        if self._seen is None or now != self._read_at:
            self._seen = watch(self._plan, self._ended, store=self._store, snapshot=self._account())
            self._read_at = now
        return self._seen
