"""Files in an emulator's home: where it is, its key, its locks, its last words. Only the owner reads the key."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from dashboard.core.errors import BusyError


def note(home: Path) -> Path:
    """Return the file that says where the emulator of a home is; it holds the key."""
    return home / "emulator.json"


def log_file(home: Path) -> Path:
    """Return the file that takes what an emulator in the background says."""
    return home / "emulator.log"


def keep_key(home: Path, access_key: str, secret_key: str) -> tuple[str, str]:
    """Return the account's key: the one given, the one kept, or a new one; it is kept."""
    kept = home / "emulator.key"
    try:
        old_access, old_secret = json.loads(kept.read_text())
    except (OSError, ValueError, TypeError):
        old_access, old_secret = secrets.token_hex(4), secrets.token_hex(16)
    pair = (access_key or old_access, secret_key or old_secret)
    write_private(kept, json.dumps(pair))
    return pair


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: whoever reads it finds all of it or what was there before."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


@contextmanager
def held(path: Path, timeout_s: float, busy: str) -> Iterator[None]:
    """
    Hold a lock file.

    Args:
        path: Of the lock.
        timeout_s: How long to wait for it.
        busy: What to say when somebody else keeps it.

    Raises:
        BusyError: Somebody else keeps it.
    """
    try:
        lock = FileLock(str(path), timeout=timeout_s).acquire()
    except Timeout:
        raise BusyError(busy) from None
    with lock:
        yield


def last_words(home: Path) -> str:
    """Return the last line that an emulator in the background said, as a sentence."""
    lines = log_file(home).read_text(errors="replace").strip().splitlines()
    return f"It said: {lines[-1]}" if lines else "It said nothing."


def use(home: Path) -> IO[bytes]:
    """Say that this process uses the emulator of a home, until what is returned is closed."""
    users = (home / "emulator.users").open("a+b")  # NFS gives a shared lock only on a file that is open for reading
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


@contextmanager
def unused(home: Path) -> Iterator[bool]:
    """Hold off new users of a home's emulator, and say whether there are none now."""
    with (home / "emulator.users").open("ab") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
