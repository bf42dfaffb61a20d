"""The sync loop: at once, again, woken, stopped, and on after an error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psutil
import pytest
import requests

from dashboard.emulator.lifecycle import process
from dashboard.services.background_sync import SyncLoop
from dashboard.services.sync_owner import SyncOwner
from dashboard.services.workspace import Workspace
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.slow


def switch(account: Workspace, **faults: bool) -> None:
    """Switch faults of the emulator."""
    running = process.running(account.settings.home)
    assert running is not None
    key = (running.access_key, running.secret_key)
    assert requests.patch(f"{running.url}/portal/faults", json=faults, auth=key, timeout=WAIT_S).ok


@pytest.fixture
def account(embedded: Callable[..., Workspace]) -> Workspace:
    """Open an embedded account that nobody synced; the loop pauses for an hour unless it is woken."""
    return embedded(embedded_sync_every_s=3600)


@pytest.fixture
def loop(account: Workspace) -> Iterator[SyncLoop]:
    """Hand out a loop that ends with the test."""
    made = SyncLoop(account)
    yield made
    made.stop(WAIT_S)


def test_it_syncs_at_once_and_when_woken(account: Workspace, loop: SyncLoop) -> None:
    """The first sync does not wait for a pause; waking cuts a pause of an hour short; stopping ends the thread."""
    loop.start()
    until(lambda: account.state.get("calls_until") is not None)
    first = account.state.get("calls_until")

    loop.wake()
    until(lambda: account.state.get("calls_until") != first)

    loop.stop(WAIT_S)
    last = account.state.get("calls_until")
    loop.wake()
    time.sleep(0.2)  # nothing is to happen, and that has no event
    assert last == account.state.get("calls_until")
    assert loop.last_error == ""


def test_an_error_is_kept_and_tried_again(account: Workspace, loop: SyncLoop) -> None:
    """While no export comes out it says so; once one does, the error is gone."""
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


def test_an_account_that_ended_is_started_again(account: Workspace, loop: SyncLoop) -> None:
    """Its process was killed: the next round starts it at the same address, and syncs."""
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
    """Two loops on one home never sync side by side: the second says who does, and waits."""
    caplog.set_level("INFO")
    first = SyncOwner(account.settings.home, port=8501)
    assert first.acquire()
    loop.start()
    until(lambda: "Another process syncs this home" in caplog.text)
    assert account.state.get("calls_until") is None

    first.release()

    until(lambda: account.state.get("calls_until") is not None)
    assert "this one syncs it from now on" in caplog.text
