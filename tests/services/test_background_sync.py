"""The background sync loop: starts at once, repeats, wakes, stops, and continues after errors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
import requests

from dashboard.emulator.lifecycle import process
from dashboard.services.background_sync import SyncLoop
from dashboard.services.sync_owner import SyncOwner
from dashboard.services.workspace import Workspace
from tests.texts import golden
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.slow


def switch(account: Workspace, **faults: bool) -> None:
    """Set faults of the emulator."""
    running = process.running(account.settings.home)
    assert running is not None
    key = (running.access_key, running.secret_key)
    assert requests.patch(f"{running.url}/portal/faults", json=faults, auth=key, timeout=WAIT_S).ok


@pytest.fixture
def account(embedded: Callable[..., Workspace]) -> Workspace:
    """Open an embedded account before its first sync; the loop pauses for an hour unless woken."""
    return embedded(embedded_sync_every_s=3600)


@pytest.fixture
def loop(account: Workspace) -> Iterator[SyncLoop]:
    """Return a loop that ends with the test."""
    made = SyncLoop(account)
    yield made
    made.stop(WAIT_S)


def test_sync_starts_at_once_and_when_woken(account: Workspace, loop: SyncLoop) -> None:
    """The first sync starts at once, waking ends an hour's pause, and stopping ends the thread."""
    loop.start()
    until(lambda: account.state.get("calls_until") is not None)
    first = account.state.get("calls_until")

    loop.wake()
    until(lambda: account.state.get("calls_until") != first)

    loop.stop(WAIT_S)
    last = account.state.get("calls_until")
    loop.wake()
    time.sleep(0.2)  # shows that nothing happens, for which there is no event
    assert last == account.state.get("calls_until")
    assert loop.last_error == ""


def test_an_error_is_kept_and_tried_again(account: Workspace, loop: SyncLoop) -> None:
    """The error is displayed while exports fail, and disappears after the next success."""
    switch(account, failed_export=True)
    loop.start()
    until(lambda: loop.last_error != "")
    until(lambda: account.state.get("sync_error") == loop.last_error)
    assert account.state.get("calls_until") is None

    switch(account, failed_export=False)
    loop.wake()
    until(lambda: account.state.get("calls_until") is not None)
    until(lambda: account.state.get("sync_error") == "")
    assert loop.last_error == ""


def test_end_of_every_sync_is_sent(account: Workspace, loop: SyncLoop) -> None:
    """The workspace sends its signal when a sync has ended, whether it failed or succeeded."""
    ended = threading.Semaphore(0)
    account.synced.connect(ended.release)
    switch(account, failed_export=True)
    loop.start()
    assert ended.acquire(timeout=WAIT_S)
    assert account.state.get("calls_until") is None

    switch(account, failed_export=False)
    loop.wake()
    assert ended.acquire(timeout=WAIT_S)
    assert account.state.get("calls_until") is not None


def test_an_account_that_ended_is_started_again(account: Workspace, loop: SyncLoop) -> None:
    """After the embedded account's process was killed, the next round restarts it at the same address and syncs."""
    before = process.running(account.settings.home)
    assert before is not None
    psutil.Process(before.pid).kill()
    until(lambda: process.running(account.settings.home) is None)

    loop.start()
    until(lambda: account.state.get("calls_until") is not None)

    after = process.running(account.settings.home)
    assert after is not None
    assert (after.url, loop.last_error) == (before.url, "")


def test_an_attached_loop_syncs_once_the_owner_ends(
    account: Workspace, loop: SyncLoop, caplog: pytest.LogCaptureFixture
) -> None:
    """Two loops on one home never sync at the same time: the second names the owner and waits."""
    caplog.set_level("INFO")
    first = SyncOwner(account.settings.home, port=8501)
    assert first.acquire()
    loop.start()
    until(lambda: golden("errors.sync_owner.another_process") in caplog.text)
    assert account.state.get("calls_until") is None

    first.release()

    until(lambda: account.state.get("calls_until") is not None)
    assert golden("commands.sync.this_one_syncs") in caplog.text
