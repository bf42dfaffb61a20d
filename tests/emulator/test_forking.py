"""A forked emulator behaves as one in a new interpreter: error, log, session, files, and end."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dashboard.core.errors import SettingsError
from dashboard.emulator.lifecycle import process
from tests import forked_emulators
from tests.emulator.conftest import new_interpreters
from tests.waiting import WAIT_S, until

PARENT = """
import sys, time
from functools import partial
from pathlib import Path
from dashboard.emulator.lifecycle import process
from tests import forked_emulators
process.set_launcher(partial(forked_emulators.launch_through, sys.argv[1]))
print(process.start(Path(sys.argv[2]), calls=20).pid, flush=True)
time.sleep(600)
"""


def modes(home: Path) -> dict[str, int]:
    """Return the modes of all files of a home."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}


def test_forked_and_new_emulators_agree(home: Path, tmp_path: Path) -> None:
    """Both have their own session, the same files with the same modes, an empty log, and no note after their end."""
    forked = process.start(home, calls=20)
    with new_interpreters():
        other = process.start(tmp_path / "other", calls=20)

    assert forked_emulators.forks().pid == psutil.Process(forked.pid).ppid()
    assert os.getpid() == psutil.Process(other.pid).ppid()
    assert [forked.pid, other.pid] == [os.getsid(forked.pid), os.getsid(other.pid)]
    assert modes(home) == modes(tmp_path / "other")
    process.stop(home)
    process.stop(tmp_path / "other")
    assert modes(home) == modes(tmp_path / "other")
    assert ["", ""] == [(folder / "emulator.log").read_text() for folder in (home, tmp_path / "other")]


def test_errors_agree(home: Path, tmp_path: Path) -> None:
    """A start that fails raises the same error, with the same log."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as forked:
            process.start(home, port=port)
        with new_interpreters(), pytest.raises(SettingsError) as other:
            process.start(tmp_path / "other", port=port)

    assert str(forked.value) == str(other.value)
    assert (home / "emulator.log").read_text() == (tmp_path / "other" / "emulator.log").read_text() != ""


def test_it_is_found_killed_and_started_again(home: Path) -> None:
    """A forked emulator that was killed is not found, and the next start forks another."""
    first = process.start(home, calls=20)
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(first.pid))

    assert process.running(home) is None
    assert first.pid != process.start(home, calls=20).pid


def test_it_ends_with_the_process_that_started_it(home: Path) -> None:
    """It follows that process, not the one that forked it, also while nothing waits for the ended process."""
    command = [sys.executable, "-c", PARENT, forked_emulators.forks().address, str(home)]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert psutil.pid_exists(pid)
    finally:
        starter.kill()
    until(lambda: not psutil.pid_exists(pid))
    starter.communicate(timeout=WAIT_S)

    assert not (home / "emulator.json").exists()
