"""
File permissions of a home: folders 0700, files 0600, regardless of the umask and of an earlier version's modes.

The gate of the dashboard controls access by browser; these modes keep other users of the machine from reading the
dashboard's files.
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
"""Permission bits of group and others."""
FLAG: Final = "TRUNKGATE_ACCEPT_OPEN_HOME"
MARKS: Final = (
    "state.db",
    "state.lock",
    "emulator.db",
    "emulator.key",
    "emulator.lock",
    "emulator.start.lock",
    "calls/generations",
)
"""Files and folders, any of which identifies a folder as a home; none is likely in another folder."""

Change = Callable[[Path, int], None]


def restrict() -> None:
    """Set the umask so that this process and its children create files that only the owner can access."""
    os.umask(UMASK)


def write(path: Path, text: str) -> None:
    """Write a file of mode 0600 atomically: a reader sees either the old content or the complete new one."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def prepare(home: Path, *, accept_open: bool = False, change: Change = os.chmod) -> Path:
    """
    Create the home if it does not exist, and restrict its permissions if other users can access it.

    A home that this process cannot write is left unchanged: a read-only copy can be checked and exported.

    Args:
        home: State folder.
        accept_open: Accept a file system that stores no permissions.
        change: Function that changes the mode of a path.

    Returns:
        The home.

    Raises:
        SettingsError: The home belongs to another user, is a folder for other purposes, cannot be created, or stays
            accessible to other users without ``accept_open``.
    """
    restrict()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=FOLDER)
        status = home.stat()
        if not (status.st_mode & stat.S_IWUSR and os.access(home, os.W_OK)):
            return home
        if _keeps_permissions(home, status):
            _require_own(home, status)
            _require_home(home, status)
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


def _keeps_permissions(home: Path, status: os.stat_result) -> bool:
    """
    Return whether a new file in the folder is owned by this user and closed to others.

    FAT and some network file systems give every file the same owner and the same mode. A folder that is owned by this
    user and closed to others needs no trial file.
    """
    if status.st_uid == os.geteuid() and not status.st_mode & OTHERS:
        return True
    with TemporaryFile(dir=home) as file:
        file_status = os.fstat(file.fileno())
    return file_status.st_uid == os.geteuid() and not file_status.st_mode & OTHERS


def _tighten(home: Path, change: Change) -> bool:
    """Remove other users' permissions on a home and its content, and return whether that took effect."""
    try:
        change(home, FOLDER)
        for path, mode in _loose(home):
            with suppress(FileNotFoundError):
                change(path, mode)
    except PermissionError:
        return False
    return not home.stat().st_mode & OTHERS


def _require_own(home: Path, status: os.stat_result) -> None:
    own_uid = os.geteuid()
    if status.st_uid != own_uid:
        owner = user_name(status.st_uid)
        raise SettingsError(
            f"The home {home} belongs to {owner}, and this command runs as {user_name(own_uid)}. "
            f"Run it as {owner} (sudo -u {owner} trunkgate ...), or point TRUNKGATE_HOME at another folder."
        )


def _require_home(home: Path, status: os.stat_result) -> None:
    """Reject a shared folder that serves other purposes, such as a home directory or /tmp."""
    if not status.st_mode & OTHERS:
        return
    is_home = any((home / mark).exists() for mark in MARKS)
    if any(home.iterdir()) and (status.st_mode & stat.S_ISVTX or not is_home):
        raise SettingsError(
            f"The folder {home} is open to other users and holds other files. A home must be private, and making this "
            "folder private would take those files from whoever uses them. Point TRUNKGATE_HOME at a folder of its own."
        )


def _loose(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield each file and folder of this user below a folder that others can access, with its required mode."""
    for parent, folders, files in os.walk(folder):
        for names, mode in ((folders, FOLDER), (files, FILE)):
            for name in names:
                path = Path(parent, name)
                with suppress(FileNotFoundError):
                    status = path.lstat()
                    is_file_or_folder = stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)
                    if is_file_or_folder and status.st_uid == os.geteuid() and status.st_mode & OTHERS:
                        yield path, mode


def user_name(uid: int) -> str:
    """Return the login name of a user id; ``uid N`` if it has none."""
    try:
        import pwd  # noqa: PLC0415 - not available on Windows

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return f"uid {uid}"
