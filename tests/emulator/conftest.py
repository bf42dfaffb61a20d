"""Fixtures for an emulated account in its own process, and a client with its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from dashboard.emulator.lifecycle import process
from tests import forked_emulators
from tests.waiting import WAIT_S


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a module on one worker, so that their shared account is started once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group(f"emulator-{item.path.stem}"))


@contextmanager
def new_interpreters() -> Iterator[None]:
    """Start emulators in new interpreters, as the product does."""
    process.set_launcher(process.spawn)
    try:
        yield
    finally:
        process.set_launcher(forked_emulators.launch)


@pytest.fixture
def spawned() -> Iterator[None]:
    """Start the emulators of a test in new interpreters."""
    with new_interpreters():
        yield


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Return a folder whose emulator ends with the test."""
    folder = tmp_path / "an emulator"
    yield folder
    process.stop(folder)


class Client:
    """Client that sends the emulator's key and returns the raw responses."""

    def __init__(self, running: process.Running) -> None:
        self.running = running
        self.key = (running.access_key, running.secret_key)

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send one request without following redirects."""
        more = {"auth": self.key, "allow_redirects": False} | more
        return requests.request(method, self.running.url + path, timeout=WAIT_S, **more)

    def data(self, path: str, **params: Any) -> Any:
        """Return the ``data`` of a document that must exist."""
        answer = self("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Client]]:
    """Return a function that starts emulators with few calls; they end with the module."""
    with ExitStack() as stack:

        def make(**options: Any) -> Client:
            home = tmp_path_factory.mktemp("emulator")
            running = process.start(home, **({"calls": 800, "days": 30} | options))
            stack.callback(process.stop, home)
            return Client(running)

        yield make


@pytest.fixture(scope="module")
def whole(emulator: Callable[..., Client]) -> Client:
    """Start the complete sample account with few calls, once per module."""
    return emulator()


@pytest.fixture
def api(whole: Client) -> Iterator[Client]:
    """Return the account's client, with every fault off before and after the test."""
    yield whole
    whole("DELETE", "/portal/faults")
