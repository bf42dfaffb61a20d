"""What many tests share: an environment of their own, an embedded account."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from dashboard.core.settings import Settings
from dashboard.services.workspace import Workspace

SAMPLE_CALLS = 4_000

hypothesis.settings.register_profile("unhurried", deadline=None)  # a busy machine is no fault of what is tested
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the developer's account or home."""
    for name in ("TRUNKGATE_ACCOUNT", "FLOWROUTE_BASE_URL", "FLOWROUTE_ACCESS_KEY", "FLOWROUTE_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRUNKGATE_HOME", str(tmp_path / "home"))


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Callable[..., Workspace]]:
    """Open an embedded account with few calls, without the stories named; everything ends with the test."""
    with ExitStack() as stack:

        def make(*without: str, **settings: Any) -> Workspace:
            home = tmp_path / f"account-{'-'.join(without) or 'whole'}"
            made = Settings(home=home, sample_without=",".join(without), sample_calls=SAMPLE_CALLS, **settings)
            return stack.enter_context(Workspace.open(made))

        yield make


@pytest.fixture(scope="session")
def synced_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the home of a whole embedded account with few calls, synced and closed, to be copied."""
    home = tmp_path_factory.mktemp("synced") / "home"
    with Workspace.open(Settings(home=home, sample_calls=SAMPLE_CALLS)) as opened:
        opened.sync()
    return home


@pytest.fixture
def synced(synced_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Open a whole embedded account with few calls, synced, that no other test sees."""
    home = tmp_path / "synced"
    shutil.copytree(synced_home, home)
    with Workspace.open(Settings(home=home, sample_calls=SAMPLE_CALLS)) as opened:
        yield opened
