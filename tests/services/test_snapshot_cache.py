"""The snapshot cache: refreshed in the background for time and calls, synchronously for changes."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.calls.analytics.cube import Cube
from dashboard.calls.store.repair import forget
from dashboard.core.errors import StoreError
from dashboard.core.settings import Settings
from dashboard.domain.snapshot import Age, Snapshot
from dashboard.services.background_sync import SyncLoop
from dashboard.services.snapshot_builder import load_frame, save_frame
from dashboard.services.snapshot_cache import LOOK_EVERY_S, AccountView, RefreshPolicy, SnapshotCache
from dashboard.services.workspace import Workspace
from tests.texts import golden, golden_pattern
from tests.waiting import WAIT_S, at_rest, until

pytestmark = pytest.mark.slow

NEVER_S = 1e6
"""Maximum age in seconds that is not reached during a test."""
ROUNDS_S = 2 * LOOK_EVERY_S
"""Seconds in which the refresher looks twice for work."""
STILL = RefreshPolicy(calls_every_s=NEVER_S, age_every_s=NEVER_S)


class Gated(Workspace):
    """Workspace that counts its snapshots and can block or fail them."""

    gate: threading.Event
    reached: threading.Event
    made = 0
    fault: Exception | None = None

    def snapshot(self, **more: object) -> Snapshot:  # type: ignore[override]  # arguments are passed on
        """Wait at the gate, then build the snapshot."""
        self._wait()
        return super().snapshot(**more)  # type: ignore[arg-type]  # as above

    def snapshot_and_cube(self) -> tuple[Snapshot, Cube]:
        """Wait at the gate, then build the snapshot and its cube."""
        self._wait()
        return super().snapshot_and_cube()

    def _wait(self) -> None:
        end = time.monotonic() + WAIT_S
        while not self.gate.wait(0.02):
            self.reached.set()
            assert time.monotonic() < end
        self.made += 1
        if self.fault:
            raise self.fault


@pytest.fixture
def account(synced_home: Path, tmp_path: Path) -> Iterator[Gated]:
    """Open a synced account of few calls, with the gate open."""
    home = tmp_path / "synced"
    shutil.copytree(synced_home, home)
    with Gated.open(Settings(home=home)) as gated:
        gated.gate = threading.Event()
        gated.reached = threading.Event()
        gated.gate.set()
        yield gated


@contextmanager
def keeping(account: Gated, pace: RefreshPolicy) -> Iterator[SnapshotCache]:
    """Refresh the cache of an account until the block ends."""
    keeper = SnapshotCache(account, pace)
    keeper.start()
    try:
        yield keeper
    finally:
        account.gate.set()
        keeper.stop(WAIT_S)


def held_up(account: Gated) -> None:
    """Close the gate and wait until a refresh is blocked by it, after which no earlier refresh runs."""
    account.gate.clear()
    account.reached.clear()
    assert account.reached.wait(WAIT_S)


def entry(account: Workspace, address: str) -> None:
    """Save a version of the account's allow list with one more entry."""
    rows = account.state.latest("allowed_ips")
    assert rows is not None
    content = [*rows["content"], rows["content"][0] | {"address": address, "network": f"{address}/32"}]
    at = datetime.now(UTC)
    assert account.state.save_version("allowed_ips", content, valid_from=at, seen_at=at, known_by="carrier")


def same_hours(*known: AccountView) -> bool:
    """Return whether all views are of the same hour: a full hour gives a new cube."""
    return len({one.snapshot.window_start.replace(minute=0, second=0, microsecond=0) for one in known}) == 1


def forget_a_day(account: Workspace) -> None:
    """Change the calls in the store, as another process would."""
    forget(account.store, {max(account.store.generations.current().days)})


def test_first_request_builds_the_snapshot_once(account: Gated) -> None:
    """The first request builds the snapshot; later ones share it until something changes."""
    keeper = SnapshotCache(account, STILL)
    assert account.made == 0
    first = keeper.now()
    assert keeper.now() is first
    assert account.made == 1
    entry(account, "198.51.100.77")
    then = keeper.now()
    assert "198.51.100.77/32" in set(then.snapshot.allowed_ips["network"])
    assert then.moment.account != first.moment.account


def test_refresh_for_age_returns_the_previous_view(account: Gated) -> None:
    """While a refresh for age runs, the previous view is returned; then the new one with the same calls."""
    with keeping(account, RefreshPolicy(age_every_s=1)) as keeper:
        keeper.now()
        held_up(account)
        shown = keeper.now()
        assert keeper.now() is shown
        assert keeper.moment() == shown.moment
        account.gate.set()
        until(lambda: keeper.now() is not shown)
        then = keeper.now()
        assert (then.cube is shown.cube) == same_hours(then, shown), "no call came, so none was added up again"


def test_age_of_an_input_is_current_without_new_data(account: Gated) -> None:
    """An input that becomes stale, or fresh again by a sync of another process without new calls, gives a new view."""
    with keeping(account, STILL) as keeper:
        account.state.put("calls_until", datetime.now(UTC).isoformat())
        until(lambda: keeper.now().snapshot.age("calls") is Age.FRESH)
        account.state.put("calls_until", (datetime.now(UTC) - timedelta(hours=3)).isoformat())
        until(lambda: keeper.now().snapshot.age("calls") is Age.STALE)
        account.state.put("calls_until", datetime.now(UTC).isoformat())
        until(lambda: keeper.now().snapshot.age("calls") is Age.FRESH)


def test_slow_refresh_blocks_the_request(account: Gated) -> None:
    """If a refresh takes too long, the request waits for it."""
    waits = threading.Event()

    @contextmanager
    def waiting() -> Iterator[None]:
        waits.set()
        yield

    with keeping(account, RefreshPolicy(age_every_s=1, patience_s=0.0)) as keeper:
        first = keeper.now()
        held_up(account)
        found: list[AccountView] = []
        asking = threading.Thread(target=lambda: found.append(keeper.now(waiting)))
        asking.start()
        assert waits.wait(WAIT_S)
        assert [] == found
        account.gate.set()
        asking.join(WAIT_S)
        assert found[0] is not first


def test_account_change_is_visible_at_once(account: Gated) -> None:
    """A change of the account is visible at once, although an older view is available."""
    with keeping(account, STILL) as keeper:
        first = keeper.now()
        entry(account, "198.51.100.78")
        assert keeper.moment() != first.moment
        then = keeper.now()
        assert then is not first
        assert "198.51.100.78/32" in set(then.snapshot.allowed_ips["network"])
        assert (then.cube is first.cube) == same_hours(then, first), "the list says nothing of whose calls these were"


def test_renamed_pbx_has_its_calls(account: Gated) -> None:
    """Calls of a renamed PBX have its new name."""
    keeper = SnapshotCache(account, STILL)
    first = keeper.now()
    pbxs = load_frame(account.state, "pbxs")
    caller = next(name for name in first.cube.values("who") if name in set(pbxs["name"]))
    renamed = pbxs.assign(name=pbxs["name"].replace(caller, "Renamed"))
    assert save_frame(account.state, "pbxs", renamed, now=datetime.now(UTC), known_by="operator")
    assert "Renamed" in keeper.now().cube.values("who")


def test_calls_of_another_process_appear_in_background(account: Gated) -> None:
    """Calls fetched by another process appear without a request waiting for them."""
    with keeping(account, RefreshPolicy(age_every_s=NEVER_S, calls_every_s=0.2)) as keeper:
        first = keeper.now()
        account.gate.clear()
        forget_a_day(account)
        assert account.reached.wait(WAIT_S)
        assert keeper.now() is first
        account.gate.set()
        until(lambda: keeper.now() is not first)
        then = keeper.now()
        assert then.moment.calls != first.moment.calls
        assert then.snapshot.traffic["calls"].sum() < first.snapshot.traffic["calls"].sum()


def test_sync_of_this_process_refreshes_the_view(account: Gated) -> None:
    """When a sync has ended, the view is already computed anew, even if the sync brought nothing."""
    keeper = SnapshotCache(account, STILL)
    first = keeper.now()
    forget_a_day(account)
    assert keeper.now() is first, "the calls are looked at now and then"
    account.synced.send()
    made = account.made
    then = keeper.now()
    assert then.moment.calls != first.moment.calls
    account.synced.send()
    last = keeper.now()
    assert last is not then, "how fresh it is has changed"
    assert (last.moment.calls, keeper.now() is last) == (then.moment.calls, True)
    assert last.moment != then.moment, "what is kept of the one is not of the other"
    assert account.made == made + 1, "no request computed anything"


def test_sync_by_button_and_by_loop_refresh_the_view(account: Gated) -> None:
    """Both ways to sync in this process refresh the cache."""
    keeper = SnapshotCache(account, STILL)
    first = keeper.now()
    account.sync(quick=True)
    then = keeper.now()
    assert then.moment.syncs != first.moment.syncs
    ended = threading.Event()
    account.synced.connect(ended.set)
    loop = SyncLoop(account)
    loop.start()
    try:
        assert ended.wait(WAIT_S)
    finally:
        loop.stop(WAIT_S)
    last = keeper.now()
    assert last.moment.syncs != then.moment.syncs


def test_view_is_shown_while_a_sync_refreshes_it(account: Gated) -> None:
    """While the view is computed after a sync of calls, pages show the previous one."""
    with keeping(account, STILL) as keeper:
        first = keeper.now()
        account.gate.clear()
        account.reached.clear()
        syncing = threading.Thread(target=account.synced.send)
        syncing.start()
        assert account.reached.wait(WAIT_S)
        assert keeper.now() is first
        account.gate.set()
        syncing.join(WAIT_S)
        assert keeper.now() is not first


def test_stopped_cache_follows_no_sync(account: Gated) -> None:
    """After the end of the cache, a sync computes nothing."""
    keeper = SnapshotCache(account, STILL)
    keeper.now()
    keeper.stop(WAIT_S)
    account.synced.send()
    assert account.made == 1


def test_refresh_begun_before_sync_is_not_enough(account: Gated) -> None:
    """A refresh that began before the sync's calls were stored is repeated at the end of the sync."""
    with keeping(account, RefreshPolicy(age_every_s=1, calls_every_s=NEVER_S)) as keeper:
        keeper.now()
        held_up(account)
        forget_a_day(account)
        syncing = threading.Thread(target=account.synced.send)
        syncing.start()
        account.gate.set()
        syncing.join(WAIT_S)
        view = keeper.now()
        assert view.moment.calls.startswith(f"{account.store.digest}/")
        days = account.store.generations.current().days.values()
        assert view.snapshot.traffic["last_at"].max() <= max(day.last_at for day in days)


def test_background_error_is_raised_to_next_request(account: Gated) -> None:
    """An error of a background refresh is raised to the next request; after the cause is removed, requests succeed."""
    with keeping(account, RefreshPolicy(age_every_s=1)) as keeper:
        first = keeper.now()
        held_up(account)
        account.fault = StoreError("A file is damaged.")
        account.gate.set()
        with pytest.raises(StoreError, match=golden_pattern("errors.calls.file_is_damaged")):
            until(lambda: keeper.now() is not first)
        account.fault = None
        until(lambda: keeper.now() is not first)


def test_internal_error_does_not_end_the_refresher(account: Gated, caplog: pytest.LogCaptureFixture) -> None:
    """An internal error is logged, and the refresher continues with the next change."""
    with keeping(account, RefreshPolicy(age_every_s=1)) as keeper:
        keeper.now()
        account.fault = RuntimeError("not foreseen")
        until(lambda: golden("errors.snapshot.could_not_be_made_ready") in caplog.text)
        account.fault = None
        made = account.made
        until(lambda: account.made > made)
        assert keeper.now().findings


def test_concurrent_requests_share_one_build(account: Gated) -> None:
    """Twenty concurrent requests get the same view, built once."""
    keeper = SnapshotCache(account, STILL)
    found: list[AccountView] = []
    threads = [threading.Thread(target=lambda: found.append(keeper.now())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert len(found) == 20
    assert len({id(known) for known in found}) == 1
    assert account.made == 1


def test_refresher_is_idle_without_pages(account: Gated) -> None:
    """The refresher is idle until a page is opened, and again some time after the last one was closed."""
    with keeping(account, RefreshPolicy(age_every_s=0.1, idle_s=1)) as keeper:
        time.sleep(ROUNDS_S)  # shows that nothing happens, for which there is no event
        assert account.made == 0
        keeper.now()
        until(lambda: keeper.now() is not None and account.made > 1)
        assert at_rest(lambda: account.made, for_s=3)


def test_stop_waits_for_the_refresh(account: Gated) -> None:
    """Stopping waits for the running refresh, and no refresh starts afterwards."""
    keeper = SnapshotCache(account, RefreshPolicy(age_every_s=1))
    keeper.start()
    keeper.now()
    held_up(account)
    stopping = threading.Thread(target=keeper.stop, args=(WAIT_S,))
    stopping.start()
    assert stopping.is_alive()
    account.gate.set()
    stopping.join(WAIT_S)
    made = account.made
    time.sleep(ROUNDS_S)  # shows that nothing happens, for which there is no event
    assert account.made == made


def test_empty_home_gives_a_view(tmp_path: Path) -> None:
    """A first run with an empty store gives a view."""
    with Workspace.open(Settings(home=tmp_path / "new", sample_calls=100)) as opened:
        known = SnapshotCache(opened).now()
        assert known.snapshot.since is None
        assert known.cube.values("who") == []
        assert len(known.replayer.sums.calls) == 0
