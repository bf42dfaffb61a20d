"""Error messages for SQLite errors: a reason and a remedy, where SQLite's own message has neither."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

FULL: Final = "Free disk space if the disk is full; otherwise restore the home from a backup."
NO_ACCESS: Final = "Make the home and its files belong to the user who runs trunkgate, or choose another home."
CURES: Final = {"SQLITE_CANTOPEN": NO_ACCESS, "SQLITE_PERM": NO_ACCESS, "SQLITE_READONLY": NO_ACCESS}
"""Remedies by the first two words of an error's name; ``FULL`` for the others."""
NO_SHARED_MEMORY: Final = frozenset({"SQLITE_IOERR_SHMMAP", "SQLITE_IOERR_SHMLOCK", "SQLITE_IOERR_LOCK"})
"""Names of errors on file systems that cannot share memory between processes or lock files."""


def explain(database_name: str, file: str | Path, fault: object) -> str:
    """
    Return sentences that explain why a database cannot be used, and what to do.

    Args:
        database_name: Name of the database, such as ``The state database``.
        file: Path of the database.
        fault: Exception that SQLite raised.
    """
    name = fault.sqlite_errorname if isinstance(fault, sqlite3.Error) and hasattr(fault, "sqlite_errorname") else ""
    if name in NO_SHARED_MEMORY:
        return (
            f"{database_name} {file} cannot be used: its file system cannot share memory between programs or lock "
            "files, which "
            "a database needs that several programs use. Point TRUNKGATE_HOME at a folder on a local disk."
        )
    cure = CURES.get("_".join(name.split("_")[:2]), FULL)
    return f"{database_name} {file} cannot be used: {fault}. {cure}"
