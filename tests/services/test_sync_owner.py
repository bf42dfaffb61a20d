"""Sync ownership: one process syncs a home; others learn its owner and take over when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.core.errors import StateError
from dashboard.services.sync_owner import SyncOwner
from tests.texts import golden, golden_pattern

HOLD = """
import sys
from pathlib import Path
from dashboard.services.sync_owner import SyncOwner
owner = SyncOwner(Path(sys.argv[1]), port=8501)
print(owner.acquire(), flush=True)
sys.stdin.read()
owner.release()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that owns the home until its standard input ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        yield child
        child.kill()


def test_an_attached_process_names_the_owner(other: subprocess.Popen[str], tmp_path: Path) -> None:
    """The attached process learns the owner's process id, start time and dashboard address."""
    mine = SyncOwner(tmp_path)

    assert mine.acquire() is False
    assert mine.other().startswith(f"process {other.pid}, since 2")
    assert mine.other().endswith(" UTC, http://127.0.0.1:8501")


@pytest.mark.parametrize("killed", [False, True])
def test_next_process_takes_over(other: subprocess.Popen[str], tmp_path: Path, *, killed: bool) -> None:
    """The next process takes over without cleanup, whether the owner exited or was killed."""
    mine = SyncOwner(tmp_path, port=8502)
    if killed:
        other.kill()
    elif other.stdin:
        other.stdin.close()
    other.wait()

    assert mine.acquire() is True
    assert mine.acquire() is True
    assert mine.other() == ""
    assert f"process {os.getpid()}," in SyncOwner(tmp_path).other()
    mine.release()
    assert SyncOwner(tmp_path).acquire() is True


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"pid": 1}', '{"pid": 1, "since": "soon", "port": 0}'])
def test_a_damaged_note_stops_nobody(other: subprocess.Popen[str], tmp_path: Path, note: str) -> None:
    """Only the lock decides ownership; the note just describes the owner."""
    (tmp_path / "sync-owner.json").write_text(note)
    mine = SyncOwner(tmp_path)

    assert (mine.acquire(), other.poll()) == (False, None)
    assert mine.other() == golden("commands.sync.has_not_said_who")


def test_a_home_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """An unwritable home is an error, different from a home that another process syncs."""
    (tmp_path / "sync-owner.lock").mkdir()

    with pytest.raises(StateError, match=golden_pattern("commands.sync.owner_lock")):
        SyncOwner(tmp_path).acquire()
