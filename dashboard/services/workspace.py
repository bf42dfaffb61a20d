"""
Workspace: an open home, shared by pages, the command line and notebooks.

The workspace opens the carrier that the settings name. Without a key that is the embedded account: the workspace uses
the running emulator of the home, or starts one for as long as the workspace is open.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from dashboard import checks
from dashboard.calls import CallStore, Cube
from dashboard.carriers import Carrier, FilesCarrier, OfflineCarrier, open_carrier
from dashboard.carriers.flowroute import API_CAPABILITIES, PORTAL_READS, PORTAL_WRITES
from dashboard.checks.evidence import losses
from dashboard.core import clocks, private
from dashboard.core.errors import CarrierError, StateError, UnknownFindingError
from dashboard.core.host_names import SAMPLE, Resolver, SystemResolver
from dashboard.core.locks import Closable, exclusive, share
from dashboard.core.progress import Progress, Stop
from dashboard.core.settings import Settings
from dashboard.core.signals import Signal
from dashboard.domain.actors import Act, Actor
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Change, Plan
from dashboard.domain.findings import Finding, Status
from dashboard.domain.snapshot import Snapshot
from dashboard.emulator.lifecycle import process
from dashboard.emulator.lifecycle import users_lock as emulator_users
from dashboard.fixes import Monitor, MonitorResult, executor, planner, settlement
from dashboard.services import finding_lifecycle, snapshot_builder
from dashboard.services.call_fetcher import refresh_calls
from dashboard.services.own_numbers import InventoryNumbers, update_own_numbers
from dashboard.services.snapshot_builder import SyncReport
from dashboard.services.store_settlement import settle_store_changes
from dashboard.storage import Journal, JournalEntry, State, account_binding, anchors, is_read_only

SYNC_WAIT_S = 60
CAPABILITIES = "capabilities"
"""Fact: capabilities of the carrier at the last sync, for read-only homes and for when the carrier cannot be read."""
MOST_MONITORS = 20
"""Maximum number of monitors in memory; those of the newest fixes are kept."""

log = logging.getLogger(__name__)


class Workspace:
    """An open home. Close it, or use it as a context manager."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        store: CallStore,
        carrier: Carrier,
        *,
        running: process.Running | None = None,
        users: Closable | None = None,
        traffic: float = 0.0,
        resolver: Resolver | None = None,
    ) -> None:
        """Combine the parts of a home; ``resolver`` resolves host names, by default that of ``_resolver``."""
        self.resolver = resolver or _resolver(settings)
        self.settings = settings
        self.state = state
        self.store = store
        self.carrier = carrier
        self.journal = Journal(state)
        self._running = running
        self._users = users
        self._traffic = traffic
        self._monitors: dict[int, Monitor] = {}
        """Monitors of the latest fixes, by id of the journal entry."""
        self._unreadable = False
        """Whether the last attempt to read the carrier failed."""
        self.synced = Signal()
        """Sent in the syncing thread when a sync of this workspace has ended, whatever its outcome."""

    @classmethod
    def open(cls, settings: Settings | None = None, *, traffic: float = 0.0, new_key: bool = False) -> Workspace:
        """
        Open the home that the settings name, and record the outcome of interrupted fixes.

        A read-only home is opened without locks, without its account and without the emulator: it can
        be verified, checked and exported as it is.

        Args:
            settings: By default read from the environment.
            traffic: Live calls per second, if the embedded account must be started.
            new_key: The account's key was renewed; the next successful sync stores its digest.

        Raises:
            SettingsError: The home belongs to another account, or its key is not set.
        """
        settings = settings or Settings.read()
        if not is_read_only(settings.home):
            private.prepare(settings.home, accept_open=settings.accept_open_home)
        with ExitStack() as parts:
            state = State.open(settings.home, anchors=anchors.of_settings(settings))
            parts.callback(state.close)
            if state.read_only:
                settings = account_binding.with_mode(state, settings)
                store = CallStore(settings.home, spill=state.scratch, own_numbers=InventoryNumbers(state))
                opened = cls(settings, state, store, _offline(state, settings))
            else:
                settings = account_binding.bind_account(state, settings, new_key=new_key)
                users = share(emulator_users(settings.home)) if settings.embedded else None
                parts.callback(_release, users, settings)
                running = _start(settings, traffic=traffic) if settings.embedded else None
                carrier = _carrier(settings, state, running)
                parts.callback(carrier.close)
                store = CallStore(settings.home, own_numbers=InventoryNumbers(state))
                opened = cls(settings, state, store, carrier, running=running, users=users, traffic=traffic)
                opened.settle()
            parts.pop_all()  # the workspace closes them from now on
            return opened

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all resources; stop the emulator that was started for workspaces once no process uses it."""
        self.carrier.close()
        self.state.close()
        _release(self._users, self.settings)
        self._users = None

    def settle(self) -> list[JournalEntry]:
        """Record the outcome of interrupted fixes, as far as the account can be read; return the recorded entries."""
        settled = settlement.settle(carrier=self.carrier, journal=self.journal, home=self.settings.home)
        last = self.journal.last()
        routes = self.state.latest("routes")
        if settled or (last is not None and routes is not None and last.at > routes["seen_at"]):
            self._read_account()
        return settled

    def revive(self) -> bool:
        """
        Restart the embedded account if it has ended, with the same address and key.

        It ends when its process is killed. If another program has restarted it, the workspace uses that process.

        Returns:
            Whether it had ended.

        Raises:
            SettingsError: It did not start.
        """
        before = self._running
        running = process.running(self.settings.home)
        if before is None or before == running:
            return False
        self._running = running or _start(self.settings, traffic=self._traffic, port=urlsplit(before.url).port or 0)
        if self._running.url != before.url:
            self.carrier.close()
            self.carrier = _carrier(self.settings, self.state, self._running)
        return True

    def sync(self, *, quick: bool = False, progress: Progress | None = None, stop: Stop | None = None) -> SyncReport:
        """
        Read the account and fetch calls; do nothing in mode ``files``. Then send ``synced``.

        Args:
            quick: Fetch again only the calls of the last minutes, instead of those of the last two days.
            progress: Callback with a description of the step and the completed share, 0 to 1.
            stop: Callback polled between steps; True ends the sync early.

        Raises:
            BusyError: Another process is syncing this home and does not finish in time.
            CarrierError: The carrier did not return the requested data.
            StateError: The home is read-only.
        """
        try:
            return self._sync(quick=quick, progress=progress, stop=stop)
        finally:
            self.synced.send()

    def _sync(self, *, quick: bool, progress: Progress | None, stop: Stop | None) -> SyncReport:
        if self.state.read_only:
            raise StateError(
                f"The home {self.settings.home} is read-only, so it cannot be synced. `trunkgate check --no-sync` "
                "judges what was synced before."
            )
        settle_store_changes(self.state, self.store)
        if self.settings.files:
            return SyncReport(changed=(), calls=0, rejected=0, until=clocks.now())
        busy = "Another process is syncing this home. Wait for it to end, then sync again."
        with exclusive(self.settings.home / "sync.lock", timeout_s=SYNC_WAIT_S, busy=busy):
            now = clocks.now()
            settlement.settle(carrier=self.carrier, journal=self.journal, home=self.settings.home)
            if not self.store.covers_inventory(self.store.generations.current()):  # also while the carrier is down
                update_own_numbers(self.state, self.store, progress=progress, stop=stop)
            try:
                changed = snapshot_builder.refresh_account(self.carrier, self.state, now=now)
            except CarrierError:
                self._unreadable = True
                raise
            self._unreadable = False
            snapshot_builder.refresh_hosts(self.resolver, self.state, now=now)
            account_binding.store_key_digest(self.state, self.settings)
            self._keep_capabilities()
            quick = quick and self.store.span() is not None
            renewal = update_own_numbers(self.state, self.store, progress=progress, stop=stop)
            results = refresh_calls(
                self.carrier,
                self.store,
                self.state,
                self.settings,
                now=clocks.now(),
                quick=quick,
                progress=progress,
                stop=stop,
            )
            stored = sum(result.kept + result.duplicate for result in results)
            rejected = sum(result.rejected for result in results)
            file_only = self.store.count_file_only()
            return SyncReport(
                changed=changed,
                calls=stored,
                rejected=rejected,
                until=now,
                file_only=file_only,
                unreadable=tuple(renewal.unreadable.values()),
            )

    def snapshot(self, *, since: datetime | None = None, split_at: Sequence[datetime] = ()) -> Snapshot:
        """Return the current snapshot, with the calls of the window or since an instant."""
        return snapshot_builder.build_snapshot(
            self.state, self.store, self.settings, self.capabilities, since=since, split_at=split_at
        )

    def snapshot_and_cube(self) -> tuple[Snapshot, Cube]:
        """Return the current snapshot with the calls of the window, and the cube of the same calls."""
        return snapshot_builder.build_snapshot_and_cube(self.state, self.store, self.settings, self.capabilities)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """
        Capabilities of the carrier; those of the last sync if the carrier cannot be read.

        Raises:
            CarrierError: The carrier cannot be read, and no sync ever succeeded.
        """
        stored = self.state.get(CAPABILITIES)
        if stored is not None and self._unreadable:
            return frozenset(map(Capability, stored))
        try:
            return self.carrier.capabilities
        except CarrierError:
            self._unreadable = True
            if stored is None:
                raise
            return frozenset(map(Capability, stored))

    def _keep_capabilities(self) -> None:
        now = sorted(self.carrier.capabilities)
        if self.state.get(CAPABILITIES) != now:
            self.state.put(CAPABILITIES, now)

    def findings(self, snapshot: Snapshot | None = None) -> list[Finding]:
        """Run all checks and return the findings with their lifecycle states, worst first."""
        snapshot = snapshot or self.snapshot()
        return finding_lifecycle.with_lifecycle(
            checks.run(snapshot), state=self.state, journal=self.journal, now=snapshot.taken_at
        )

    def loss(self, subject: str, *, snapshot: Snapshot | None = None) -> losses.Loss:
        """
        Return the past loss of a source, which can be marked as reviewed.

        Raises:
            UnknownFindingError: The source has no past loss, or its calls are still admitted.
        """
        losses_by_source = {loss.source_ip: loss for loss in losses.losses(snapshot or self.snapshot())}
        if subject not in losses_by_source:
            sources = ", ".join(losses_by_source) or "none"
            raise UnknownFindingError(f"There is no past loss of {subject}. Sources that have one: {sources}.")
        if losses_by_source[subject].goes_on:
            raise UnknownFindingError(
                f"Calls from {subject} are still admitted, so its loss is not past. End that first, then review it."
            )
        return losses_by_source[subject]

    def review(self, subject: str, *, actor: Actor, evidence_digest: str) -> None:
        """
        Mark a past loss as reviewed by an actor.

        Args:
            subject: Source address.
            actor: Reviewer.
            evidence_digest: Digest of the evidence that was shown.

        Raises:
            UnknownFindingError: There is no such past loss, or it differs from the evidence that was shown.
            FixError: The actor's role does not permit it.
        """
        actor.require(Act.APPLY)
        loss = self.loss(subject)
        if loss.digest != evidence_digest:
            raise UnknownFindingError(
                f"More is known of the past loss of {subject} than was shown. Look at it again, then mark it."
            )
        snapshot_builder.save_loss_review(
            self.state,
            subject=subject,
            calls=loss.calls,
            cost_usd=loss.cost_usd,
            last_at=loss.last_at,
            evidence_digest=loss.digest,
            by=actor.name,
            now=clocks.now(),
        )

    def plan(self, check: str, subject: str, *, snapshot: Snapshot | None = None) -> Plan:
        """
        Build and store the plan for the fix that a finding proposes, or proposed on the last known data.

        Raises:
            UnknownFindingError: There is no such finding, or it proposes no fix; the message names alternatives.
        """
        snapshot = snapshot or self.snapshot()
        findings = checks.run(snapshot, [item for item in checks.discover() if item.id == check])
        finding = next((finding for finding in findings if finding.subject == subject), None)
        if finding is None:
            raise UnknownFindingError(_no_such(findings, check, subject))
        if not finding.proposals:
            word = "passes" if finding.status is Status.PASS else f"is {finding.status}"
            raise UnknownFindingError(f"{check} for {subject} {word} and proposes no fix. {finding.reason}")
        last_known_at = finding.last_known.as_of if finding.last_known else None
        return self.plan_changes(
            finding.proposals, check=check, subject=subject, snapshot=snapshot, last_known_at=last_known_at
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
        """Build and store the plan for any changes; ``last_known_at`` is the time of the stale data behind them."""
        snapshot = snapshot or self.snapshot()
        plan = planner.build(
            snapshot,
            changes,
            max_changes=self.settings.max_changes,
            title=title,
            check=check,
            subject=subject,
            undoes=undoes,
            entries=self.journal.entries(),
            last_known_at=last_known_at,
        )
        self.state.save_plan(plan)
        return plan

    def undo_plan(self, number: int) -> Plan:
        """Build and store the plan that undoes a journal entry."""
        intent, ended, changes, title = planner.plan_undo(self.journal, number)
        snapshot = self.snapshot()
        planner.ensure_unchanged_since(ended, intent, snapshot)
        return self.plan_changes(
            changes, title=title, check=intent.check, subject=intent.subject, undoes=ended.id, snapshot=snapshot
        )

    def rehearse(self, plan: Plan, *, actor: Actor, typed: Sequence[str] = ()) -> None:
        """Perform a dry run of a plan; see ``executor.check_ready``."""
        executor.check_ready(plan, carrier=self.carrier, actor=actor, typed=typed)

    def apply(self, plan: Plan, *, actor: Actor, typed: Sequence[str] = ()) -> JournalEntry:
        """Carry out exactly this plan, verify it, and read the account again; return the ``done`` entry."""
        entry = executor.apply(
            plan, carrier=self.carrier, journal=self.journal, home=self.settings.home, actor=actor, typed=typed
        )
        self._read_account()
        return entry

    def _read_account(self) -> None:
        """Read the account after a fix; if that fails, the next sync reads it."""
        try:
            snapshot_builder.refresh_account(self.carrier, self.state, now=clocks.now())
        except (CarrierError, StateError) as exc:
            log.warning("The outcome of the fix is recorded; the account is read again by the next sync. %s", exc)

    def watch(self, entry: JournalEntry) -> MonitorResult:
        """Return the outcomes of calls from the sources that a fix affected, updated if anything changed since."""
        monitor = self._monitors.get(entry.id) or self._monitor(entry)
        return monitor.poll()

    def _monitor(self, entry: JournalEntry) -> Monitor:
        begun = next(e for e in self.journal.entries() if e.action == entry.action)
        monitor = Monitor(
            Plan.model_validate(begun.content["plan"]),
            entry,
            store=self.store,
            state=lambda: str(self.state.last_version()),
            account=lambda: snapshot_builder.without_calls(self.state, self.capabilities),
        )
        while len(self._monitors) >= MOST_MONITORS:
            self._monitors.pop(min(self._monitors), None)
        self._monitors[entry.id] = monitor
        return monitor


def _release(users: Closable | None, settings: Settings) -> None:
    if users is not None:
        users.close()
        process.stop_unused(settings.home)


def _offline(state: State, settings: Settings) -> OfflineCarrier:
    """
    Return the carrier of a read-only home, with the capabilities that the home has when it can be written.

    Homes of earlier versions lack stored capabilities and get defaults; a home of mode ``files`` has none.
    """
    defaults = sorted(
        API_CAPABILITIES
        | (
            PORTAL_READS | PORTAL_WRITES
            if state.get(account_binding.OWNER) == account_binding.EMBEDDED
            else frozenset()
        )
    )
    names = FilesCarrier.capabilities if settings.files else state.get(CAPABILITIES) or defaults
    reason = f"The home {state.home} is read-only, so its account is not asked."
    return OfflineCarrier(frozenset(Capability(name) for name in names), reason)


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
    access = settings.flowroute_access_key
    secret = settings.flowroute_secret_key
    return open_carrier(
        settings,
        state,
        url=running.url if running else settings.base_url,
        access_key=running.access_key if running else access.get_secret_value(),
        secret_key=running.secret_key if running else secret.get_secret_value(),
        emulated=settings.embedded or settings.on_loopback,
    )


def _resolver(settings: Settings) -> Resolver:
    """Return the resolver for host names; an emulated account has names that no name server knows."""
    return SAMPLE if settings.embedded or settings.on_loopback else SystemResolver()


def _no_such(findings: Sequence[Finding], check: str, subject: str) -> str:
    names = [check_item.id for check_item in checks.discover()]
    if check not in names:
        return f"There is no check {check}. The checks are: {', '.join(names)}."
    subjects = [finding.subject for finding in findings if finding.proposals]
    hint = f"Those that propose a fix: {', '.join(subjects)}." if subjects else "None of its subjects needs a fix."
    return f"The check {check} has nothing on {subject}. {hint}"
