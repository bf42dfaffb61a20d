"""
One home, opened: what pages, the command line and notebooks share.

Opens the carrier that the settings name. Without a key that is the embedded account: the emulator of
the home is used where it runs, and started for as long as the workspace is open where it does not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from dashboard import checks, life, sources
from dashboard.actors import Actor
from dashboard.calls.store import CallStore
from dashboard.capabilities import Capability
from dashboard.carriers import Carrier, open_carrier
from dashboard.changes import Change, Plan
from dashboard.emulator import process
from dashboard.emulator.folder import use
from dashboard.errors import BusyError, CarrierError, UnknownFindingError
from dashboard.fetching import Progress, refresh_calls
from dashboard.findings import Finding, Status
from dashboard.fixes import apply as applying
from dashboard.fixes import plan as planning
from dashboard.fixes.watch import Watch, watch
from dashboard.journal import Entry, Journal
from dashboard.owner import claim, keep_key
from dashboard.settings import Settings
from dashboard.snapshot import Snapshot
from dashboard.sources import SyncReport
from dashboard.state import State

SYNC_WAIT_S = 60
CAPABILITIES = "capabilities"
"""Where the state keeps what the carrier let a program do at the last sync."""

log = logging.getLogger(__name__)


class Workspace:
    """An open home. Close it, or use it in a ``with``."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        store: CallStore,
        carrier: Carrier,
        *,
        running: process.Running | None = None,
        users: IO[bytes] | None = None,
        traffic: float = 0.0,
    ) -> None:
        self.settings = settings
        self.state = state
        self.store = store
        self.carrier = carrier
        self.journal = Journal(state)
        self._running = running
        self._users = users
        self._traffic = traffic
        self._unreadable = False
        """Whether the carrier did not answer when it was last asked."""

    @classmethod
    def open(cls, settings: Settings | None = None, *, traffic: float = 0.0, new_key: bool = False) -> Workspace:
        """
        Open the home that the settings name.

        Args:
            settings: Read from the environment when not given.
            traffic: Live calls per second, where the embedded account has to be started.
            new_key: The account's key was renewed; the next sync that succeeds keeps it.

        Raises:
            SettingsError: The home belongs to another account, or its key is not set.
        """
        settings = settings or Settings.read()
        state = State.open(settings.home)
        users = None
        try:
            claim(state, settings, new_key=new_key)
            users = use(settings.home) if settings.embedded else None
            running = _start(settings, traffic=traffic) if settings.embedded else None
            carrier = _carrier(settings, state, running)
        except BaseException:
            state.close()
            _release(users, settings)
            raise
        store = CallStore(settings.home)
        return cls(settings, state, store, carrier, running=running, users=users, traffic=traffic)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give everything back; end the emulator that was started for workspaces once nobody uses it."""
        self.carrier.close()
        self.state.close()
        _release(self._users, self.settings)
        self._users = None

    def revive(self) -> bool:
        """
        Start the embedded account again where it has ended, at the address and with the key it had.

        It ends when it is killed. Where another program has started it again, this one goes on with that.

        Returns:
            Whether it had ended.

        Raises:
            SettingsError: It did not start.
        """
        before, found = self._running, process.running(self.settings.home)
        if before is None or before == found:
            return False
        self._running = found or _start(self.settings, traffic=self._traffic, port=urlsplit(before.url).port or 0)
        if self._running.url != before.url:
            self.carrier.close()
            self.carrier = _carrier(self.settings, self.state, self._running)
        return True

    def sync(
        self, *, quick: bool = False, progress: Progress | None = None, stop: Callable[[], bool] | None = None
    ) -> SyncReport:
        """
        Read the account and fetch calls.

        Args:
            quick: Fetch again only the calls of the last minutes, rather than of the last two days.
            progress: Told what is going on and how far it is, 0 to 1.
            stop: Asked between steps; True ends the sync early.

        Raises:
            BusyError: Another process is syncing this home and does not end.
            CarrierError: The carrier did not give what was asked.
        """
        lock = FileLock(str(self.settings.home / "sync.lock"), timeout=SYNC_WAIT_S)
        try:
            held = lock.acquire()
        except Timeout:
            raise BusyError("Another process is syncing this home. Wait for it to end, then sync again.") from None
        with held:
            now = datetime.now(UTC)
            try:
                changed = sources.refresh_account(self.carrier, self.state, now=now)
            except CarrierError:
                self._unreadable = True
                raise
            self._unreadable = False
            keep_key(self.state, self.settings)
            self._keep_capabilities()
            quick = quick and self.store.digest != ""
            results = refresh_calls(
                self.carrier,
                self.store,
                self.state,
                self.settings,
                now=datetime.now(UTC),
                quick=quick,
                progress=progress,
                stop=stop,
            )
            kept = sum(result.kept + result.duplicate for result in results)
            rejected = sum(result.rejected for result in results)
            return SyncReport(changed=changed, calls=kept, rejected=rejected, until=now)

    def snapshot(self, *, since: datetime | None = None, split_at: Sequence[datetime] = ()) -> Snapshot:
        """Return everything known as it stands now, with the calls of the window or since an instant."""
        return sources.build_snapshot(
            self.state, self.store, self.settings, self.capabilities, since=since, split_at=split_at
        )

    @property
    def capabilities(self) -> frozenset[Capability]:
        """
        What the carrier lets a program do; as the last sync found it where the carrier cannot be read.

        Raises:
            CarrierError: The carrier has to be asked, cannot be read, and no sync ever succeeded.
        """
        kept = self.state.get(CAPABILITIES)
        if kept is not None and self._unreadable:
            return frozenset(map(Capability, kept))
        try:
            return self.carrier.capabilities
        except CarrierError:
            self._unreadable = True
            if kept is None:
                raise
            return frozenset(map(Capability, kept))

    def _keep_capabilities(self) -> None:
        now = sorted(self.carrier.capabilities)
        if self.state.get(CAPABILITIES) != now:
            self.state.put(CAPABILITIES, now)

    def findings(self, snapshot: Snapshot | None = None) -> list[Finding]:
        """Run every check and stamp each verdict with its life, worst first."""
        snapshot = snapshot or self.snapshot()
        return life.lived(checks.run(snapshot), state=self.state, journal=self.journal, now=snapshot.taken_at)

    def plan(self, check: str, subject: str, *, snapshot: Snapshot | None = None) -> Plan:
        """
        Plan the fix that a finding proposes, or proposed on the last data, and keep the plan as shown.

        Raises:
            UnknownFindingError: There is no such finding, or it proposes nothing; what there is is named.
        """
        snapshot = snapshot or self.snapshot()
        found = checks.run(snapshot)
        chosen = next((f for f in found if f.check == check and f.subject == subject), None)
        if chosen is None:
            raise UnknownFindingError(_no_such(found, check, subject))
        if not chosen.proposals:
            word = "passes" if chosen.status is Status.PASS else f"is {chosen.status}"
            raise UnknownFindingError(f"{check} for {subject} {word} and proposes no fix. {chosen.reason}")
        last_known_at = chosen.last_known.as_of if chosen.last_known else None
        return self.plan_changes(
            chosen.proposals, check=check, subject=subject, snapshot=snapshot, last_known_at=last_known_at
        )

    def plan_changes(
        self,
        changes: Sequence[Change],
        *,
        title: str = "",
        check: str = "",
        subject: str = "",
        snapshot: Snapshot | None = None,
        undoes: int | None = None,
        last_known_at: datetime | None = None,
    ) -> Plan:
        """Plan any changes, and keep the plan as shown; ``last_known_at`` dates the stale data behind them."""
        snapshot = snapshot or self.snapshot()
        plan = planning.build(
            snapshot,
            changes,
            max_changes=self.settings.max_changes,
            title=title,
            check=check,
            subject=subject,
            undoes=undoes,
            last_known_at=last_known_at,
        )
        self.state.keep_plan(plan)
        return plan

    def undo_plan(self, number: int) -> Plan:
        """Plan the inverse of what a journal entry did."""
        done, ended, changes, title = planning.undoing(self.journal, number)
        snapshot = self.snapshot()
        planning.refuse_if_moved(ended, done, snapshot)
        return self.plan_changes(
            changes, title=title, check=done.check, subject=done.subject, undoes=ended.id, snapshot=snapshot
        )

    def rehearse(self, plan: Plan, *, actor: Actor, typed: Sequence[str] = ()) -> None:
        """Do all that ``apply`` does short of writing."""
        applying.check_ready(plan, carrier=self.carrier, actor=actor, typed=typed)

    def apply(self, plan: Plan, *, actor: Actor, typed: Sequence[str] = ()) -> Entry:
        """Carry out exactly this plan, verify it, and read the account anew."""
        entry = applying.apply(
            plan, carrier=self.carrier, journal=self.journal, home=self.settings.home, actor=actor, typed=typed
        )
        try:
            sources.refresh_account(self.carrier, self.state, now=datetime.now(UTC))
        except CarrierError as exc:
            log.warning("The fix is done and verified; the account is read again by the next sync. %s", exc)
        return entry

    def watch(self, entry: Entry) -> Watch:
        """Say what became of the next calls of the sources that a fix touched."""
        begun = next(e for e in self.journal.entries() if e.action == entry.action)
        plan = Plan.model_validate(begun.content["plan"])
        return watch(plan, entry, store=self.store, snapshot=self.snapshot())


def _release(users: IO[bytes] | None, settings: Settings) -> None:
    if users is not None:
        users.close()
        process.stop_unused(settings.home)


def _start(settings: Settings, *, traffic: float, port: int = 0) -> process.Running:
    return process.start(
        settings.home,
        port=port,
        calls=settings.sample_calls,
        days=settings.history_days,
        traffic=traffic,
        without=settings.left_out,
        refusals_in_cdrs=settings.sample_refusals_in_cdrs,
    )


def _carrier(settings: Settings, state: State, running: process.Running | None) -> Carrier:
    access, secret = settings.flowroute_access_key, settings.flowroute_secret_key
    return open_carrier(
        settings,
        state,
        url=running.url if running else settings.base_url,
        access_key=running.access_key if running else access.get_secret_value(),
        secret_key=running.secret_key if running else secret.get_secret_value(),
        emulated=settings.embedded or settings.on_loopback,
    )


def _no_such(found: Sequence[Finding], check: str, subject: str) -> str:
    names = sorted({finding.check for finding in found})
    if check not in names:
        return f"There is no check {check}. The checks are: {', '.join(names)}."
    subjects = [f.subject for f in found if f.check == check and f.proposals]
    known = f"Those that propose a fix: {', '.join(subjects)}." if subjects else "None of its subjects needs a fix."
    return f"The check {check} has nothing on {subject}. {known}"
