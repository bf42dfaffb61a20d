"""Fixtures shared by the whole suite: an isolated environment and embedded accounts."""

from __future__ import annotations

import atexit
import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from dashboard.core.settings import Settings
from dashboard.emulator.lifecycle import process
from dashboard.services.workspace import Workspace
from tests import forked_emulators

SAMPLE_CALLS = 4_000
COLLECT_AFTER = (50_000, 10, 50)
"""Thresholds of the garbage collector for its three generations."""

hypothesis.settings.register_profile("unhurried", deadline=None)  # a slow machine must not fail a test
hypothesis.settings.load_profile("unhurried")
process.set_launcher(forked_emulators.launch)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """
    Exclude the imported modules and the collected tests from garbage collection, and collect less often.

    They live as long as the process, and each of its full collections would visit all of them.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # libraries report what was never collected as leaks
    gc.set_threshold(*COLLECT_AFTER)


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return paths of homes that do not exist; a folder for each test would cost more than most tests do."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) / "home" for number in count())


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path]) -> None:
    """Isolate each test from the developer's account and home."""
    for name in ("TRUNKGATE_ACCOUNT", "FLOWROUTE_BASE_URL", "FLOWROUTE_ACCESS_KEY", "FLOWROUTE_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRUNKGATE_HOME", str(next(_homes)))


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Callable[..., Workspace]]:
    """Open an embedded account with few calls, without the given stories; it closes with the test."""
    with ExitStack() as stack:

        def make(*without: str, **settings: Any) -> Workspace:
            home = tmp_path / f"account-{'-'.join(without) or 'whole'}"
            made = Settings(home=home, sample_without=",".join(without), sample_calls=SAMPLE_CALLS, **settings)
            return stack.enter_context(Workspace.open(made))

        yield make


@pytest.fixture(scope="session")
def synced_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create the home of a complete embedded account with few calls, synced and closed, as a template to copy."""
    home = tmp_path_factory.mktemp("synced") / "home"
    with Workspace.open(Settings(home=home, sample_calls=SAMPLE_CALLS)) as opened:
        opened.sync()
    return home


@pytest.fixture
def synced(synced_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Open a private copy of a complete, synced embedded account with few calls."""
    home = tmp_path / "synced"
    shutil.copytree(synced_home, home)
    with Workspace.open(Settings(home=home, sample_calls=SAMPLE_CALLS)) as opened:
        yield opened
