"""Read-only homes: detection before the first write, and a readable copy of their database."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from dashboard.core.errors import StateError

WRITE_BITS = 0o222


def is_read_only(home: Path) -> bool:
    """
    Return whether a home has a database and is read-only.

    A folder or database without any write permission bit counts as read-only, also for the superuser, to whom
    permissions do not apply: the bits were removed to preserve the copy.
    """
    database = home / "state.db"
    try:
        modes = home.stat().st_mode, database.stat().st_mode
    except OSError:
        return False
    return not all(mode & WRITE_BITS for mode in modes) or not all(
        os.access(path, os.W_OK) for path in (home, database)
    )


def copy_database(source: Path, target: Path) -> None:
    """
    Copy an SQLite database that cannot be written, including the content of its write-ahead log.

    Args:
        source: The database; files ending in ``-wal`` and ``-shm`` may be beside it.
        target: Path of the copy, in a writable folder.

    Raises:
        StateError: The database cannot be read.
    """
    log, index = (source.with_name(f"{source.name}-{ending}") for ending in ("wal", "shm"))
    in_use = log.exists() and index.exists() and not os.access(source.parent, os.W_OK)
    if in_use and _backed_up(source, target):
        return
    try:
        if log.exists() and log.stat().st_size > 0:
            shutil.copyfile(log, target.with_name(f"{target.name}-wal"))
        shutil.copyfile(source, target)
        with closing(sqlite3.connect(target)) as copy:
            copy.execute("PRAGMA schema_version").fetchone()
    except (OSError, sqlite3.Error) as exc:
        reason = (exc.strerror if isinstance(exc, OSError) else "") or exc
        raise StateError(f"The state database {source} cannot be read: {reason}.") from exc


def _backed_up(source: Path, target: Path) -> bool:
    """Back up a database that another user may be writing to; return whether SQLite could read it in place."""
    try:
        address = f"{source.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as source_connection, closing(sqlite3.connect(target)) as copy:
            source_connection.backup(copy)
    except sqlite3.Error:
        target.unlink(missing_ok=True)
        return False
    return True
