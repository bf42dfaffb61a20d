"""Lock files, exclusive and shared, between threads and processes."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from dashboard.core import locks
from dashboard.core.errors import BusyError, LockError
from dashboard.core.locks import Closable, exclusive, hold_if_free, lock_open_file, nobody_shares, share
from tests.texts import golden, golden_pattern
from tests.waiting import WAIT_S

BUSY = golden("errors.fixes.another_fix")

SHARES: list[tuple[Callable[[Path], Closable], Callable[[Path], AbstractContextManager[bool]]]] = [
    (share, nobody_shares),
    (locks._SqliteShare, locks._nobody_by_sqlite),  # noqa: SLF001 - used on systems without BSD locks
]


def test_second_holder_gets_busy_message(tmp_path: Path) -> None:
    """The second holder gets a message; after release the lock can be held again."""
    file = tmp_path / "fix.lock"
    with (
        exclusive(file, timeout_s=0, busy=BUSY),
        pytest.raises(BusyError, match=f"^{re.escape(BUSY)}$"),
        exclusive(file, timeout_s=0, busy=BUSY),
    ):
        pass

    with exclusive(file, timeout_s=0, busy="never"):
        assert hold_if_free(file) is None


@pytest.mark.parametrize(
    ("take", "reason"),
    [
        (lambda path: exclusive(path, timeout_s=0, busy="never"), "Is a directory"),
        (lambda path: closing(hold_if_free(path)), "Is a directory"),
        (lambda path: closing(share(path)), "Is a directory"),
        (nobody_shares, "Is a directory"),
    ],
    ids=["exclusive", "hold_if_free", "share", "nobody_shares"],
)
def test_unusable_lock_file_is_a_sentence(
    tmp_path: Path, take: Callable[[Path], AbstractContextManager[object]], reason: str
) -> None:
    """A lock file that cannot be opened is named with the reason and the cure."""
    (tmp_path / "a.lock").mkdir()

    with (
        pytest.raises(
            LockError, match="^" + golden_pattern("errors.disk.lock_file", tmp_path=tmp_path, reason=reason) + " "
        ),
        take(tmp_path / "a.lock"),
    ):
        pass


def test_error_of_the_work_is_not_one_of_the_lock(tmp_path: Path) -> None:
    """An ``OSError`` of the work under a lock passes unchanged."""
    with pytest.raises(FileNotFoundError), exclusive(tmp_path / "a.lock", timeout_s=0, busy="never"):
        (tmp_path / "none").read_bytes()


def test_error_inside_frees_the_lock(tmp_path: Path) -> None:
    """An error of the work is not reported as a busy lock."""
    with pytest.raises(KeyError), exclusive(tmp_path / "a.lock", timeout_s=0, busy="never"):
        raise KeyError

    assert hold_if_free(tmp_path / "a.lock")


def test_hold_ends_when_it_is_closed(tmp_path: Path) -> None:
    """Closing twice has no further effect."""
    hold = hold_if_free(tmp_path / "sync-owner.lock")
    assert hold is not None
    assert hold_if_free(tmp_path / "sync-owner.lock") is None

    hold.close()
    hold.close()

    assert hold_if_free(tmp_path / "sync-owner.lock") is not None


@pytest.mark.parametrize(("take", "alone"), SHARES, ids=["flock", "sqlite"])
def test_share_is_free_when_its_last_holder_ends(
    tmp_path: Path, take: Callable[[Path], Closable], alone: Callable[[Path], AbstractContextManager[bool]]
) -> None:
    """Several holders share the lock, also within a process; the file is private to its user."""
    file = tmp_path / "emulator.users"
    first = take(file)
    second = take(file)
    free = []
    for holder in (first, second):
        with alone(file) as nobody:
            free.append(nobody)
        holder.close()
    with alone(file) as nobody:
        free.append(nobody)

    assert [False, False, True] == free
    assert file.stat().st_mode & 0o077 in (0, 0o044)  # a home is 0700; flock writes nothing to the file


@pytest.mark.parametrize(("take", "alone"), SHARES, ids=["flock", "sqlite"])
def test_share_of_a_killed_process_is_free(
    tmp_path: Path, take: Callable[[Path], Closable], alone: Callable[[Path], AbstractContextManager[bool]]
) -> None:
    """The operating system releases the lock when the process ends."""
    file = tmp_path / "emulator.users"
    name = "share" if take is share else "_SqliteShare"
    code = (
        f"import sys, pathlib; from dashboard.core import locks; held = locks.{name}(pathlib.Path(sys.argv[1])); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with alone(file) as nobody:
            during = nobody
        other.kill()
        other.wait(WAIT_S)
    with alone(file) as nobody:
        after = nobody

    assert (False, True) == (during, after)


def test_shared_file_is_open_for_reading_and_writing(tmp_path: Path) -> None:
    """NFS gives a shared lock only on a file that is open for reading, an exclusive one on one open for writing."""
    with closing(share(tmp_path / "emulator.users")) as users:
        assert fcntl.fcntl(users, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR


def test_locked_open_file_is_refused_to_others(tmp_path: Path) -> None:
    """An open locked file is refused to others until it is closed."""
    with (tmp_path / "note").open("w+b") as file, (tmp_path / "note").open("rb") as other:
        lock_open_file(file)
        with pytest.raises(BlockingIOError):
            lock_open_file(other, shared=True, wait=False)
    with (tmp_path / "note").open("rb") as other:
        lock_open_file(other, shared=True, wait=False)


def test_modules_import_where_fcntl_and_pwd_are_absent() -> None:
    """Modules loaded by the command line do not import fcntl and pwd, which Windows lacks."""
    code = (
        "import sys; sys.modules['fcntl'] = sys.modules['pwd'] = None\n"
        "from dashboard.core import locks\n"
        "from dashboard.cli import entry_point, lazy, link\n"
        "from dashboard.storage import anchors, database\n"
        "from dashboard.services import sync_owner\n"
        "from dashboard.emulator.lifecycle import home\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=WAIT_S, check=False)

    assert (0, "") == (ran.returncode, ran.stderr)
