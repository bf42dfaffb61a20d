"""
The rooms that take seconds to load, behind one door: ``--help`` and the journal do without them.

Commands ask here for what they need when they run, so that their options can be read before.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from dashboard.core import private
from dashboard.core.errors import SettingsError
from dashboard.core.locks import lock_open_file
from dashboard.storage.read_only import is_read_only

if TYPE_CHECKING:
    from dashboard.core.settings import Settings
    from dashboard.services.workspace import Workspace


def read_settings() -> Settings:
    """
    Read the environment and make the home's folder where there is none.

    Raises:
        SettingsError: A setting cannot be used, or the folder cannot be written.
    """
    from dashboard.core.settings import Settings  # noqa: PLC0415 - loads pydantic

    settings = Settings.read()
    usable(settings.home, accept_open=settings.accept_open_home)
    return settings


def usable(home: Path, *, accept_open: bool = False) -> Path:
    """
    Return a home's folder, private, made where there is none.

    A home that is there and read-only is returned as it is: whatever would write to it says so.

    Raises:
        SettingsError: There is no home and none can be made, or it cannot be kept private.
    """
    if is_read_only(home):
        return home
    private.prepare(home, accept_open=accept_open)
    try:
        with TemporaryFile(dir=home) as file:
            lock_open_file(file)  # what several processes do at one time rests on locks
            return home
    except OSError as exc:
        message = f"The folder {home} cannot be used: {exc.strerror}. Point TRUNKGATE_HOME at another folder."
        raise SettingsError(message) from exc


def prepare_import(settings: Settings) -> None:
    """
    Create the home's database before its first calls, and claim a home of mode files for the account.

    Calls that are older than their database would look like a journal that was removed.

    Raises:
        SettingsError: The home belongs to another account.
    """
    from dashboard.storage import anchors  # noqa: PLC0415 - loads the database's parts
    from dashboard.storage.account_binding import bind_account  # noqa: PLC0415 - as above
    from dashboard.storage.database import State  # noqa: PLC0415 - as above

    state = State.open(settings.home, anchors=anchors.of_settings(settings))
    try:
        if settings.files:
            bind_account(state, settings)
    finally:
        state.close()


def open_home(*, live: bool = False, new_key: bool = False) -> Workspace:
    """
    Open the home that the environment names.

    Args:
        live: Let calls keep arriving where the embedded account has to be started.
        new_key: The account's key was renewed.
    """
    settings = read_settings()
    from dashboard.services.workspace import Workspace  # noqa: PLC0415 - loads pandas and the web parts, for seconds

    return Workspace.open(settings, traffic=settings.live_calls_per_s if live else 0.0, new_key=new_key)
