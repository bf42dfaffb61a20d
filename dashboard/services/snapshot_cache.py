"""
Snapshot cache: the data of the pages, computed in the background.

The computation takes one to two seconds over ten million calls, and all page requests would wait for it. So the data is
computed at the end of each sync of this process, in the thread that synced (``Workspace.synced``). Another process may
sync or import instead, which only polling shows: a thread computes the data when new calls have arrived or time has
passed. Until then pages show the previous data. Changes by operators and new readings of the account are shown
immediately: a request waits for them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from dashboard.calls import Cube, Replayer, build_cube
from dashboard.calls.pbx_records import PbxRecords
from dashboard.core import clocks
from dashboard.core.errors import DashboardError
from dashboard.domain.findings import Finding
from dashboard.domain.snapshot import Snapshot
from dashboard.services.snapshot_builder import INVENTORY, freshness_of
from dashboard.services.workspace import Workspace
from dashboard.storage import database

AGE_EVERY_S = 300
"""Interval, in seconds, at which the data is recomputed because inputs may have become stale."""
LOOK_EVERY_S = 0.5
"""Interval, in seconds, at which the thread checks whether the data must be recomputed."""

log = logging.getLogger(__name__)


class StateVersion(NamedTuple):
    """Identifiers of all inputs at one moment: as long as they are equal, the computed data is the same."""

    home: str
    calls: str
    """The digests of the carrier's calls and of the PBXs' own records."""
    account: str
    """Last version, last entry of the journal, and sum of the times of operators' confirmations."""
    syncs: str
    """Number of syncs of this process: after a sync without changes, only the freshness of the inputs changes."""
    period: str
    """
    Number of the current period of ``RefreshPolicy.age_every_s`` seconds, and the age of each input.

    An input becomes stale with time, and fresh again by a sync of another process, even if that brings nothing new.
    """


@dataclass(frozen=True)
class AccountView:
    """Snapshot of one moment and the data computed from it. Shared between sessions: never change it."""

    moment: StateVersion
    snapshot: Snapshot
    findings: list[Finding]
    """Findings of all checks on this snapshot, worst first."""
    cube: Cube
    """Hourly totals of the snapshot's calls."""
    replayer: Replayer
    """The snapshot prepared for replays."""


@dataclass(frozen=True)
class RefreshPolicy:
    """Intervals and maximum ages of the cached data, in seconds."""

    calls_every_s: float = 30.0
    """
    Interval at which the cache checks for new calls of another process.

    Calls may be that old, and up to ``patience_s`` older while new data is being computed.
    """
    age_every_s: float = AGE_EVERY_S
    patience_s: float = 20.0
    """Maximum time for which old data is shown while new data is being computed; after that a page waits."""
    idle_s: float = 120.0
    """Time after the last request at which background computation stops. An open page polls every few seconds."""


class SnapshotCache:
    """Cache of the current snapshot of a home and the data computed from it. Safe to share between threads."""

    def __init__(self, workspace: Workspace, pace: RefreshPolicy | None = None) -> None:
        """Prepare the cache of an open home and follow its syncs; nothing is computed before the first request."""
        self._workspace = workspace
        self._pace = pace or RefreshPolicy()
        self._known: AccountView | None = None
        self._syncs = 0
        self._current_at = self._asked_at = self._digest_at = -float("inf")
        self._digest = ""
        self._failed: StateVersion | None = None
        self._making = threading.Lock()
        self._looking = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        workspace.synced.connect(self._follow_sync)

    def start(self) -> None:
        """Start background computation; without it, requests compute the data themselves."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop the thread, waiting up to ``timeout_s`` for a running computation; follow no more syncs."""
        self._workspace.synced.disconnect(self._follow_sync)
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def now(self, waiting: Callable[[], AbstractContextManager[Any]] = nullcontext) -> AccountView:
        """
        Return the current data, or slightly older data if only new calls arrived or time passed since.

        Args:
            waiting: Context manager entered while the caller waits for the computation.

        Raises:
            StoreError: The calls cannot be read.
        """
        self._asked_at = time.monotonic()
        if (ready := self._ready(self._moment())) is not None:
            return ready
        with waiting(), self._making:
            return self._ready(self._moment()) or self._compute()

    def moment(self) -> StateVersion:
        """Return the state version of the data that ``now`` would return, without computing it."""
        self._asked_at = time.monotonic()
        current = self._moment()
        ready = self._ready(current)
        return ready.moment if ready else current

    def _ready(self, current: StateVersion) -> AccountView | None:
        """Return the data that may be shown; ``None`` if the caller must wait for new data."""
        cached = self._known
        now = time.monotonic()
        if cached is None:
            return None
        if cached.moment == current:
            self._current_at = now
            return cached
        helped = self._thread.is_alive() and current != self._failed
        soon = helped and now - self._current_at <= self._pace.patience_s
        return cached if soon and cached.moment.account == current.account else None

    def _moment(self, *, anew: bool = False) -> StateVersion:
        """Return the current state version; calls are checked every ``calls_every_s`` seconds, or now if ``anew``."""
        opened = self._workspace
        with self._looking:
            now = time.monotonic()
            if anew or now - self._digest_at > self._pace.calls_every_s:
                self._digest = f"{opened.store.digest}/{PbxRecords(opened.store).digest}"
                self._digest_at = now
            calls = self._digest
            syncs = str(self._syncs)
        with opened.state.reading() as connection:
            account = "/".join(str(value) for value in connection.execute(_ACCOUNT).one())
        now_at = clocks.now()
        inputs = freshness_of(opened.state, opened.store, opened.settings).values()
        period = [str(int(now_at.timestamp() // self._pace.age_every_s)), *(str(one.age(now_at)) for one in inputs)]
        return StateVersion(str(opened.settings.home), calls, account, syncs, "/".join(period))

    def _compute(self) -> AccountView:
        """Compute all data and replace the cached data by it."""
        opened = self._workspace
        before = self._known
        moment = self._moment(anew=True)
        if before and before.moment.calls == moment.calls:
            snapshot = opened.snapshot()
            is_same = _has_same_calls(before.snapshot, snapshot)
            cube = before.cube if is_same else build_cube(opened.store, snapshot)
        else:
            snapshot, cube = opened.snapshot_and_cube()
        findings = opened.findings(snapshot)
        view = AccountView(moment, snapshot, findings, cube, Replayer(snapshot))
        self._known = view
        self._current_at = time.monotonic()
        return view

    def _follow_sync(self) -> None:
        """Compute the data after a sync of this process; a computation that began before its end does not count."""
        with self._looking:
            self._syncs += 1
            self._digest_at = -float("inf")
        self._refresh_if_viewed(wait=True)

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            self._refresh_if_viewed(wait=False)

    def _refresh_if_viewed(self, *, wait: bool) -> None:
        """Compute changed data if a page is open; while another thread computes, do so after it, or not at all."""
        viewed = time.monotonic() - self._asked_at <= self._pace.idle_s
        if self._known is None or not viewed or not self._making.acquire(blocking=wait):
            return
        try:
            self._refresh()
        finally:
            self._making.release()

    def _refresh(self) -> None:
        """Recompute the data if something changed; after an error, the next request tries again and reports it."""
        current: StateVersion | None = None
        try:
            current = self._moment()
            ready = self._ready(current)
            if current != self._failed and (ready is None or ready.moment != current):
                self._compute()
        except DashboardError as exc:
            self._failed = current
            log.info("What pages show could not be made ready. %s", exc)
        except Exception:  # a bug must not end the thread silently
            self._failed = current
            log.exception("What pages show could not be made ready.")


def _has_same_calls(before: Snapshot, now: Snapshot) -> bool:
    """Return whether the calls of a store have the same callers, policies and hours in both snapshots."""
    starts = {
        snapshot.window_start.replace(minute=0, second=0, microsecond=0)
        for snapshot in (before, now)
        if snapshot.window_start is not None
    }
    return (
        len(starts) == 1
        and _policy_starts(before) == _policy_starts(now)
        and all(getattr(before, name).equals(getattr(now, name)) for name in INVENTORY)
    )


def _policy_starts(snapshot: Snapshot) -> list[datetime]:
    """Return the starts of the policies that calls of the snapshot may have met."""
    last_at = snapshot.judged_traffic["last_at"].max()
    return [version.valid_from for version in snapshot.versions if version.valid_from <= last_at]


_ACCOUNT = sa.select(
    sa.select(sa.func.max(database.versions.c.id)).scalar_subquery(),
    sa.select(sa.func.max(database.journal.c.id)).scalar_subquery(),
    sa.select(sa.func.sum(sa.extract("epoch", database.versions.c.seen_at)))
    .where(database.versions.c.known_by != "carrier")
    .scalar_subquery(),
)
"""
Query for ``StateVersion.account``.

It sums the times of confirmations instead of taking the latest: after the clock was set back, the newest confirmation
does not have the latest time.
"""
