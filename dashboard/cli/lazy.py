"""
Deferred imports of modules that take seconds to load; ``--help`` and the journal commands do not need them.

Commands call these functions when they run, after their options were parsed.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from dashboard.core import private
from dashboard.core.errors import SettingsError
from dashboard.core.locks import lock_open_file
from dashboard.storage import is_read_only

if TYPE_CHECKING:
    from dashboard.core.settings import Settings
    from dashboard.services import Workspace


def read_settings() -> Settings:
    """
    Read the settings from the environment, and create the home's folder if it is missing.

    Raises:
        SettingsError: A setting is invalid, or the folder cannot be used; see ``usable``.
    """
    from dashboard.core.settings import Settings  # noqa: PLC0415 - loads pydantic

    settings = Settings.read()
    usable(settings.home, accept_open=settings.accept_open_home)
    return settings


def usable(home: Path, *, accept_open: bool = False) -> Path:
    """
    Return a home's folder, created if it is missing, and made private.

    A read-only home is returned unchanged: operations that would write to it raise their own errors.

    Raises:
        SettingsError: The folder cannot be created, written or locked, or cannot be kept private.
    """
    if is_read_only(home):
        return home
    private.prepare(home, accept_open=accept_open)
    try:
        with TemporaryFile(dir=home) as file:
            lock_open_file(file)  # concurrent processes depend on locks
            return home
    except OSError as exc:
        message = f"The folder {home} cannot be used: {exc.strerror}. Point TRUNKGATE_HOME at another folder."
        raise SettingsError(message) from exc


def prepare_import(settings: Settings) -> None:
    """
    Create the home's database before its first calls, and bind a home of mode ``files`` to its account.

    Calls older than the database would be taken for a sign that the journal was removed. An interrupted removal of
    calls gets its outcome first, because the import may bring them back.

    Raises:
        SettingsError: The home belongs to another account.
    """
    from dashboard.storage import State, account_binding, anchors, store_changes  # noqa: PLC0415 - loads the database's parts

    state = State.open(settings.home, anchors=anchors.of_settings(settings))
    try:
        if settings.files:
            account_binding.bind_account(state, settings)
        if not state.read_only and store_changes.open_changes(state):
            from dashboard.calls import CallStore  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
            from dashboard.services import settle_store_changes  # noqa: PLC0415 - as above

            settle_store_changes(state, CallStore(settings.home))
    finally:
        state.close()


def open_home(*, live: bool = False, new_key: bool = False) -> Workspace:
    """
    Open the home that the environment names.

    Args:
        live: Generate live calls, if the embedded account has to be started.
        new_key: The account's key was renewed.
    """
    settings = read_settings()
    from dashboard.services import Workspace  # noqa: PLC0415 - loads pandas and the web parts, for seconds

    return Workspace.open(settings, traffic=settings.live_calls_per_s if live else 0.0, new_key=new_key)
