"""
Emulator processes: start, find and stop the emulator of a home.

A running emulator writes ``emulator.json`` (mode 0600: it contains the key) into its home once it responds, and
removes it when it ends. An emulator that another process started ends when that process is gone and no other
process uses it (``home.users_lock``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import psutil
import requests

from dashboard.core.errors import SettingsError
from dashboard.core.http import loopback
from dashboard.core.locks import exclusive, nobody_shares
from dashboard.core.regular_files import read_json
from dashboard.core.settings import EMULATOR_ACCESS_KEY, EMULATOR_SECRET_KEY
from dashboard.emulator.lifecycle.home import last_log_line, log_file, note, users_lock

STOP_S = 10
HEALTH_S = 2


@dataclass(frozen=True)
class Running:
    """A running emulator that responds to requests."""

    url: str
    access_key: str
    secret_key: str
    pid: int
    lasting: bool = False
    """It was started on its own (``trunkgate emulator``), and only a signal ends it."""

    def __repr__(self) -> str:
        return f"Running(url={self.url!r}, pid={self.pid})"


def running(home: Path) -> Running | None:
    """Return the emulator of a home; ``None`` if none responds."""
    try:
        candidate = Running(**read_json(note(home)))
        return candidate if psutil.pid_exists(candidate.pid) and answers(candidate) else None
    except (OSError, ValueError, TypeError, OverflowError):
        return None


def start(
    home: Path,
    *,
    port: int = 0,
    access_key: str = "",
    secret_key: str = "",
    calls: int = 50_000,
    days: int = 30,
    traffic: float = 0.0,
    without: Collection[str] = (),
    refusals_in_cdrs: bool = True,
    timeout_s: float = 600.0,
) -> Running:
    """
    Start the emulator of a home, or return the running one; it ends with this process once no other process uses it.

    Args:
        home: Folder of the emulator's database.
        port: Port on loopback; 0 selects a free one.
        access_key: Access key; if empty, the stored key or a new random one.
        secret_key: Secret key; if empty, the stored key or a new random one.
        calls: Number of calls in the history of a new account.
        days: Length of that history in days.
        traffic: Live calls per second.
        without: Stories to exclude from a new account.
        refusals_in_cdrs: Whether rejected calls of a new account leave a CDR.
        timeout_s: Seconds to wait until the emulator responds.

    Raises:
        BusyError: Another process was still starting the emulator after the timeout.
        SettingsError: The emulator did not start; the message contains its error or the last line of its log.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    busy = f"Another process is still starting the embedded account of {home}. Try again."
    with exclusive(home / "emulator.start.lock", timeout_s=timeout_s, busy=busy):
        if existing := running(home):
            return existing
        options = {"home": home, "port": port, "calls": calls, "days": days, "traffic": traffic, "parent": os.getpid()}
        keys = {EMULATOR_ACCESS_KEY: access_key, EMULATOR_SECRET_KEY: secret_key}
        words, write_fd = os.pipe()  # on a full disk the log cannot store the error
        os.set_blocking(words, False)
        with (
            os.fdopen(words, "rb") as error_output,
            os.fdopen(write_fd, "wb") as error_input,
            log_file(home).open("wb") as output,
        ):
            child = _launcher(
                [
                    *(f"--{name}={value}" for name, value in options.items()),
                    *(f"--without={story}" for story in without),
                    *([] if refusals_in_cdrs else ["--no-refusals-in-cdrs"]),
                ],
                {**os.environ, **keys},
                output,
                write_fd,
            )
            error_input.close()
            until = time.monotonic() + timeout_s
            while time.monotonic() < until and child.poll() is None:
                if existing := running(home):
                    _children[child.pid] = child
                    return existing
                time.sleep(0.05)
            with suppress(ProcessLookupError):
                child.kill()
            child.wait()
            reason = (error_output.read() or b"").decode(errors="replace")
        raise SettingsError(f"The embedded account did not start. {reason or last_log_line(home)}")


def stop_unused(home: Path) -> None:
    """Stop the emulator of a home if no process uses it, unless it was started on its own."""
    with nobody_shares(users_lock(home)) as free:
        emulator = running(home) if free else None
        if emulator is not None and not emulator.lasting:
            stop(home)


def stop(home: Path) -> None:
    """Stop the emulator of a home, and wait until it has ended."""
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]
    emulator = running(home)
    if emulator is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(emulator.pid)
        process.send_signal(signal.SIGTERM)
        child = _children.pop(emulator.pid, None)
        try:
            if child is not None:
                child.wait(STOP_S)
            else:
                process.wait(STOP_S)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            process.kill()
    note(home).unlink(missing_ok=True)


class Child(Protocol):
    """A started emulator process; ``subprocess.Popen`` implements it."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit status; ``None`` while the process runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process has ended; raise ``subprocess.TimeoutExpired`` after ``timeout`` seconds."""

    def kill(self) -> None:
        """Kill the process."""


class Launcher(Protocol):
    """Start ``python -m dashboard.emulator``; see ``spawn``."""

    def __call__(
        self, arguments: Sequence[str], environment: Mapping[str, str], output: BinaryIO, error_fd: int, /
    ) -> Child:
        """Start the program with these arguments."""


def spawn(
    arguments: Sequence[str], environment: Mapping[str, str], output: BinaryIO, error_fd: int
) -> subprocess.Popen[bytes]:
    """
    Start ``python -m dashboard.emulator`` in a new interpreter and a new session.

    Args:
        arguments: Arguments of the program.
        environment: Its environment.
        output: File for its standard output and standard error.
        error_fd: File descriptor that it inherits, for ``--tell``.
    """
    return subprocess.Popen(
        [
            sys.executable,
            "-P",  # do not import modules from the working directory
            "-m",
            "dashboard.emulator",
            *arguments,
            f"--tell={error_fd}",
        ],
        pass_fds=(error_fd,),
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )


def set_launcher(launcher: Launcher) -> None:
    """Start the emulators of this process with ``launcher``, as tests do that fork them from a loaded process."""
    global _launcher  # noqa: PLW0603 - one setting for the process, as multiprocessing.set_executable
    _launcher = launcher


_launcher: Launcher = spawn

_children: dict[int, Child] = {}
"""Child processes that ``start`` launched and that must be reaped, by process id."""


def answers(emulator: Running) -> bool:
    """
    Return whether this emulator process responds at its URL, and not another process on the same port.

    An emulator that accepts the connection but is too busy to respond in time counts, so that it is not started again.
    """
    try:
        answer = loopback.get(f"{emulator.url}/health", timeout_s=HEALTH_S)
        return bool(answer.ok and answer.json()["pid"] == emulator.pid)
    except requests.Timeout:
        with suppress(psutil.Error):
            return any("emulator" in part for part in psutil.Process(emulator.pid).cmdline())
        return False
    except (requests.RequestException, KeyError, TypeError):
        return False
