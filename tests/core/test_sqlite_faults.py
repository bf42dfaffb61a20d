"""Messages for SQLite errors, with unusable databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dashboard.core.sqlite_faults import FULL, NO_ACCESS, explain


def fault_of(file: Path) -> sqlite3.Error:
    """Return the error of reading a database."""
    with pytest.raises(sqlite3.Error) as found:
        sqlite3.connect(f"file:{file}?mode=ro", uri=True).execute("SELECT * FROM sqlite_master")
    return found.value


def test_the_cure_fits_the_error(tmp_path: Path) -> None:
    """The remedy fits the error: space does not help a file that cannot be opened; a non-database is restored."""
    (tmp_path / "text.db").write_text("This is no database, and long enough to be looked at as one." * 20)

    cannot_open = explain("The state database", "missing.db", fault_of(tmp_path / "missing.db"))
    not_one = explain("The state database", "text.db", fault_of(tmp_path / "text.db"))

    assert cannot_open.endswith(NO_ACCESS)
    assert not_one.endswith(FULL)
