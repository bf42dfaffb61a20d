"""
Watch: what became of the next calls of the sources a fix touched.

The evidence is the calls that started after the fix, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.calls.attribution import attribute
from dashboard.calls.refusing import proofs
from dashboard.calls.store import CallStore
from dashboard.changes import AllowAddress, Plan, RemoveAddress, SetCredentials
from dashboard.journal import Entry
from dashboard.snapshot import Snapshot
from dashboard.tables import ADMISSION, REFUSAL

ENOUGH = 20
"""Calls after which a watch ends: one refused call in twenty shows with 64 % at a true share of 5 %."""


@dataclass(frozen=True)
class Watch:
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


def watch(plan: Plan, ended: Entry, *, store: CallStore, snapshot: Snapshot) -> Watch:
    """
    Count the outbound calls since a fix of the sources that it touched.

    Args:
        plan: What was applied.
        ended: Its ``done`` entry.
        store: Calls, synced since.
        snapshot: For attribution: when the switch was touched, only calls of PBXs of ours are watched.
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
    proven = proofs(rows, snapshot.versions, snapshot.observed)
    missed = rows[proven == REFUSAL]
    meant = missed["who"].isin(plan.impact.breaks)
    return Watch(
        calls=int(rows["calls"].sum()),
        admitted=int(rows.loc[proven == ADMISSION, "calls"].sum()),
        refused=int(missed["calls"].sum()),
        since=since,
        sources=sources,
        foreseen=int(missed.loc[meant, "calls"].sum()),
        foreseen_of=tuple(sorted(set(missed.loc[meant, "who"]))),
        others=tuple(sorted(set(missed.loc[~meant, "who"]) - {""})),
    )
