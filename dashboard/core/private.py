"""
Keep a home to its owner: folders 0700, files 0600, whatever the umask and whatever an earlier version left.

The gate of the dashboard keeps strangers out of the browser; these modes keep other users of the machine out of
the files that the dashboard reads.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from dashboard.core.errors import SettingsError

UMASK: Final = 0o077
FOLDER: Final = 0o700
FILE: Final = 0o600
OTHERS: Final = 0o077
"""Bits of a mode that are about everybody but the owner."""
FLAG: Final = "TRUNKGATE_ACCEPT_OPEN_HOME"
MARKS: Final = (
    "state.db",
    "state.lock",
    "emulator.db",
    "emulator.key",
    "emulator.lock",
    "emulator.start.lock",
    "calls",
)
"""Names that tell a home from any other folder."""

Change = Callable[[Path, int], None]


def restrict() -> None:
    """Have this process and its children create files that only their owner reads."""
    os.umask(UMASK)


def write(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: a reader finds all of it, or what was there before."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def prepare(home: Path, *, accept_open: bool = False, change: Change = os.chmod) -> Path:
    """
    Make a home where there is none, and tighten one that others can read.

    A home that this process cannot write is left as it is: a read-only copy can be checked and exported.

    Args:
        home: State folder.
        accept_open: Go on where the file system keeps no permissions.
        change: Changes the mode of a path.

    Returns:
        The home.

    Raises:
        SettingsError: It belongs to another user, is a folder for other things, cannot be made, or stays readable by
            other users and that was not accepted.
    """
    restrict()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=FOLDER)
        found = home.stat()
        if not (found.st_mode & stat.S_IWUSR and os.access(home, os.W_OK)):
            return home
        if _keeps_permissions(home, found):
            _require_own(home, found)
            _require_home(home, found)
            if _tighten(home, change):
                return home
    except OSError as exc:
        raise SettingsError(
            f"The folder {home} cannot be used: {exc.strerror}. Point TRUNKGATE_HOME at another folder."
        ) from exc
    if not accept_open:
        raise SettingsError(
            f"The file system of {home} keeps no permissions, so every user of this machine could read the call "
            f"records and the journal. Point TRUNKGATE_HOME at a folder on another file system, or set {FLAG}=1 to "
            "accept it."
        )
    return home


def _keeps_permissions(home: Path, found: os.stat_result) -> bool:
    """
    Tell whether a file that is made in a folder belongs to this user alone.

    FAT and some network file systems give every file the same owner and the same mode. A folder of this user that
    nobody else can enter needs no trial.
    """
    if found.st_uid == os.geteuid() and not found.st_mode & OTHERS:
        return True
    with TemporaryFile(dir=home) as file:
        made = os.fstat(file.fileno())
    return made.st_uid == os.geteuid() and not made.st_mode & OTHERS


def _tighten(home: Path, change: Change) -> bool:
    """Take a home and all that is in it from other users, and return whether that had an effect."""
    try:
        change(home, FOLDER)
        for path, mode in _loose(home):
            with suppress(FileNotFoundError):
                change(path, mode)
    except PermissionError:
        return False
    return not home.stat().st_mode & OTHERS


def _require_own(home: Path, found: os.stat_result) -> None:
    mine = os.geteuid()
    if found.st_uid != mine:
        owner = user_name(found.st_uid)
        raise SettingsError(
            f"The home {home} belongs to {owner}, and this command runs as {user_name(mine)}. "
            f"Run it as {owner} (sudo -u {owner} trunkgate ...), or point TRUNKGATE_HOME at another folder."
        )


def _require_home(home: Path, found: os.stat_result) -> None:
    """Refuse to tighten a folder that serves other purposes, such as a home directory or /tmp."""
    if not found.st_mode & OTHERS:
        return
    names = {entry.name for entry in os.scandir(home)}
    if names and (found.st_mode & stat.S_ISVTX or names.isdisjoint(MARKS)):
        raise SettingsError(
            f"The folder {home} is open to other users and holds other files. A home must be private, and making this "
            "folder private would take those files from whoever uses them. Point TRUNKGATE_HOME at a folder of its own."
        )


def _loose(folder: Path) -> Iterator[tuple[Path, int]]:
    """Name everything of this user below a folder that others may use, and the mode it should have."""
    for place, folders, files in os.walk(folder):
        for names, mode in ((folders, FOLDER), (files, FILE)):
            for name in names:
                path = Path(place, name)
                with suppress(FileNotFoundError):
                    found = path.lstat()
                    kept = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
                    if kept and found.st_uid == os.geteuid() and found.st_mode & OTHERS:
                        yield path, mode


def user_name(uid: int) -> str:
    """Return the name of a user of this machine; the number where it has none."""
    try:
        import pwd  # noqa: PLC0415 - Windows has no such module

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return f"uid {uid}"
