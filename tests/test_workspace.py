"""Workspaces: one account to a home, and the embedded account's process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from dashboard.emulator import process
from dashboard.errors import SettingsError
from dashboard.settings import Settings
from dashboard.state import State
from dashboard.workspace import Workspace

KEYS = {"FLOWROUTE_ACCESS_KEY": "abc", "FLOWROUTE_SECRET_KEY": "def"}


def real(home: Path, host: str) -> Settings:
    """Return settings with a key for an account at a host."""
    made: dict[str, Any] = {**KEYS, "FLOWROUTE_BASE_URL": f"https://{host}"}
    return Settings(home=home, **made)


def owned_by(home: Path, owner: str) -> None:
    """Make a home that was used for an account."""
    state = State.open(home)
    state.put("account_of_home", owner)
    state.close()


def test_a_real_home_refuses_to_run_without_its_key(tmp_path: Path) -> None:
    """Nor with the key of an account elsewhere; its own opens it."""
    Workspace.open(real(tmp_path, "api.example.net")).close()

    with pytest.raises(SettingsError, match=r"belongs to the account at api\.example\.net\. Set FLOWROUTE_ACCESS_KEY"):
        Workspace.open(Settings(home=tmp_path))
    with pytest.raises(SettingsError, match=r"folder for the account at other\.example\.net"):
        Workspace.open(real(tmp_path, "other.example.net"))
    assert not (tmp_path / "emulator.db").exists()
    Workspace.open(real(tmp_path, "api.example.net")).close()


def test_a_sample_home_refuses_a_real_account(tmp_path: Path) -> None:
    """Calls of the two are never mixed."""
    owned_by(tmp_path, "embedded")

    with pytest.raises(SettingsError, match="belongs to the embedded sample account"):
        Workspace.open(real(tmp_path, "api.example.net"))


@pytest.mark.slow
def test_an_account_that_runs_is_used_and_left_running(embedded: Callable[..., Workspace]) -> None:
    """Whoever started it ends it; a second workspace only uses it."""
    first = embedded()
    running = process.running(first.settings.home)

    with Workspace.open(first.settings) as second:
        assert second.carrier.account() == first.carrier.account()

    assert process.running(first.settings.home) == running


@pytest.mark.slow
def test_an_account_started_again_elsewhere_is_found(embedded: Callable[..., Workspace]) -> None:
    """Another program started it at another address: this one goes on there, and did not start anything."""
    account = embedded()
    home = account.settings.home
    before = process.running(home)
    assert before is not None
    assert account.revive() is False
    psutil.Process(before.pid).kill()
    psutil.Process(before.pid).wait()
    other = process.start(home)
    try:
        assert account.revive() is True
        assert account.carrier.account().sample is True
        account.close()
        assert process.running(home) == other
    finally:
        process.stop(home)
