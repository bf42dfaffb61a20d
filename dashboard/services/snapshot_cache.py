"""
What pages show, made ready behind their backs.

Putting it together takes a second or two over ten million calls, and all who click meanwhile would wait for it. So a
thread does it as soon as calls have come or time has passed; until then what was current a moment ago is shown. What
people did, and what was read of the account, is shown at once: whoever asks waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from dashboard.calls.analytics.cube import Cube, build_cube
from dashboard.calls.pbx_records.store import PbxRecords
from dashboard.calls.replay.replayer import Replayer
from dashboard.core import clocks
from dashboard.core.errors import DashboardError
from dashboard.domain.findings import Finding
from dashboard.domain.snapshot import Snapshot
from dashboard.services.snapshot_builder import INVENTORY
from dashboard.services.workspace import Workspace
from dashboard.storage import database

AGE_EVERY_S = 300
"""How often what is stale is looked at."""
LOOK_EVERY_S = 0.5
"""How often the thread looks whether there is something to make."""

log = logging.getLogger(__name__)


class StateVersion(NamedTuple):
    """What was known at a moment, by name: while none of it changes, nothing that is made of it does."""

    home: str
    calls: str
    """The digests of the carrier's calls and of the PBXs' own records."""
    account: str
    """The last version of what is known, the last entry of the journal, when people last confirmed something."""
    look: str
    """Which call for a new look it answers: after a sync that brought nothing, what is known is fresher."""
    period: str
    """Time itself, by ``AGE_EVERY_S``: what was fresh grows stale."""


@dataclass(frozen=True)
class AccountView:
    """All that was known at a moment, and what is made of it. Shared between sessions: never change it."""

    moment: StateVersion
    snapshot: Snapshot
    findings: list[Finding]
    """What every check says of just this snapshot, worst first."""
    cube: Cube
    """The outbound calls of the snapshot, added up by hour."""
    replayer: Replayer
    """The snapshot made ready for replays."""


@dataclass(frozen=True)
class RefreshPolicy:
    """How often is looked, and how old may be shown, in seconds."""

    calls_every_s: float = 30.0
    """How often new calls are looked at: so old may they be, and by ``patience_s`` more while they are made ready."""
    age_every_s: float = AGE_EVERY_S
    patience_s: float = 20.0
    """For how long something older may be shown while the new is made; a page waits for it then."""
    idle_s: float = 120.0
    """So long after a page last asked nothing is made behind its back. An open page asks every few seconds."""


class SnapshotCache:
    """Keeps what a home knows ready. Safe to share between threads."""

    def __init__(self, workspace: Workspace, pace: RefreshPolicy | None = None) -> None:
        """Take the open home; nothing is made before somebody asks."""
        self._workspace, self._pace = workspace, pace or RefreshPolicy()
        self._known: AccountView | None = None
        self._looks = 0
        self._current_at = self._asked_at = self._digest_at = -float("inf")
        self._digest = ""
        self._failed: StateVersion | None = None
        self._making, self._looking = threading.Lock(), threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin to make things ready; without it whoever asks makes them."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End; what is being made is waited for."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def now(self, waiting: Callable[[], AbstractContextManager[Any]] = nullcontext) -> AccountView:
        """
        Return what is known now, or was a moment ago where only calls came or time has passed since.

        Args:
            waiting: Entered for as long as it has to be waited for.

        Raises:
            StoreError: The calls cannot be read.
        """
        self._asked_at = time.monotonic()
        if (ready := self._ready(self._moment())) is not None:
            return ready
        with waiting(), self._making:
            return self._ready(self._moment()) or self._make()

    def moment(self) -> StateVersion:
        """Name what ``now`` would return, without making it."""
        self._asked_at = time.monotonic()
        wanted = self._moment()
        ready = self._ready(wanted)
        return ready.moment if ready else wanted

    def look_again(self) -> None:
        """Have whoever asks next wait for everything as it stands: somebody has just fetched it."""
        with self._looking:
            self._looks += 1
            self._digest_at = -float("inf")

    def _ready(self, wanted: StateVersion) -> AccountView | None:
        """Return what may be shown; ``None`` where it has to be waited for."""
        known, now = self._known, time.monotonic()
        if known is None or known.moment.look != wanted.look:
            return None
        if known.moment == wanted:
            self._current_at = now
            return known
        helped = self._thread.is_alive() and wanted != self._failed
        soon = helped and now - self._current_at <= self._pace.patience_s
        return known if soon and known.moment.account == wanted.account else None

    def _moment(self, *, anew: bool = False) -> StateVersion:
        """Look at what there is; at calls again only now and then, or ``anew``."""
        opened = self._workspace
        with self._looking:
            now = time.monotonic()
            if anew or now - self._digest_at > self._pace.calls_every_s:
                self._digest = f"{opened.store.digest}/{PbxRecords(opened.store).digest}"
                self._digest_at = now
            calls, look = self._digest, str(self._looks)
        with opened.state.reading() as connection:
            account = "/".join(str(value) for value in connection.execute(_ACCOUNT).one())
        period = int(clocks.now().timestamp() // self._pace.age_every_s)
        return StateVersion(str(opened.settings.home), calls, account, look, str(period))

    def _make(self) -> AccountView:
        """Make everything anew and show it from now on."""
        opened, before = self._workspace, self._known
        moment = self._moment(anew=True)
        taken = opened.snapshot()
        findings = opened.findings(taken)
        if before and before.moment.calls == moment.calls and _same_calls(before.snapshot, taken):
            cube = before.cube
        else:
            cube = build_cube(opened.store, taken)
        made = AccountView(moment, taken, findings, cube, Replayer(taken))
        self._known, self._current_at = made, time.monotonic()
        return made

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            looked_at = time.monotonic() - self._asked_at <= self._pace.idle_s
            if self._known is None or not looked_at or not self._making.acquire(blocking=False):
                continue
            try:
                self._make_ready()
            finally:
                self._making.release()

    def _make_ready(self) -> None:
        """Make what changed since the last look; what cannot be made is left to whoever asks, who is told why."""
        wanted: StateVersion | None = None
        try:
            wanted = self._moment()
            ready = self._ready(wanted)
            if wanted != self._failed and (ready is None or ready.moment != wanted):
                self._make()
        except DashboardError as exc:
            self._failed = wanted
            log.info("What pages show could not be made ready. %s", exc)
        except Exception:  # a fault of ours must not end the thread in silence
            self._failed = wanted
            log.exception("What pages show could not be made ready.")


def _same_calls(before: Snapshot, now: Snapshot) -> bool:
    """Say whether the calls of a store are the same PBXs' in both, and in the same hours."""
    starts = {
        known.window_start.replace(minute=0, second=0, microsecond=0)
        for known in (before, now)
        if known.window_start is not None
    }
    return len(starts) == 1 and all(getattr(before, name).equals(getattr(now, name)) for name in INVENTORY)


_ACCOUNT = sa.select(
    sa.select(sa.func.max(database.versions.c.id)).scalar_subquery(),
    sa.select(sa.func.max(database.journal.c.id)).scalar_subquery(),
    sa.select(sa.func.sum(sa.extract("epoch", database.versions.c.seen_at)))
    .where(database.versions.c.known_by != "carrier")
    .scalar_subquery(),
)
"""Times are added up, not compared: after the clock was set back the newest confirmation is not the latest time."""
