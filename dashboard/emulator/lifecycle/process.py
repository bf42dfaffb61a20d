"""
The emulator as a process of its own: started, found and stopped by its home.

A running emulator writes ``emulator.json`` (mode 0600: it holds the key) into its home once it answers and
removes it when it ends. One that was started by another process ends when that process is gone and nobody
else uses it (``folder.use``).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from dashboard.core.errors import SettingsError
from dashboard.core.locks import exclusive, nobody_shares
from dashboard.core.settings import EMULATOR_ACCESS_KEY, EMULATOR_SECRET_KEY
from dashboard.emulator.lifecycle.home import last_words, log_file, note, users

STOP_S = 10
HEALTH_S = 2


@dataclass(frozen=True)
class Running:
    """An emulator that answers."""

    url: str
    access_key: str
    secret_key: str
    pid: int
    lasting: bool = False
    """It was started by itself, and nobody but a signal ends it."""

    def __repr__(self) -> str:
        return f"Running(url={self.url!r}, pid={self.pid})"


def running(home: Path) -> Running | None:
    """Return the emulator of a home; ``None`` where none answers."""
    try:
        found = Running(**json.loads(note(home).read_text()))
        return found if psutil.pid_exists(found.pid) and answers(found) else None
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
    Start the emulator of a home, or return the one that runs; it ends with this process, once nobody else uses it.

    Args:
        home: Folder of its database.
        port: On loopback; 0 picks a free one.
        access_key: Made up and kept when empty.
        secret_key: As ``access_key``.
        calls: In the history of a new account.
        days: Of that history.
        traffic: Live calls per second.
        without: Stories to leave out of a new account.
        refusals_in_cdrs: Whether a new account's refused calls leave a CDR.
        timeout_s: How long to wait until it answers.

    Raises:
        BusyError: Another process has been starting it for all that time.
        SettingsError: It did not start; its last words are in the message.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    busy = f"Another process is still starting the embedded account of {home}. Try again."
    with exclusive(home / "emulator.start.lock", timeout_s=timeout_s, busy=busy):
        if found := running(home):
            return found
        options = {"home": home, "port": port, "calls": calls, "days": days, "traffic": traffic, "parent": os.getpid()}
        keys = {EMULATOR_ACCESS_KEY: access_key, EMULATOR_SECRET_KEY: secret_key}
        words, tell = os.pipe()  # a log on a full disk takes no last words
        os.set_blocking(words, False)
        with os.fdopen(words, "rb") as said, os.fdopen(tell, "wb") as telling, log_file(home).open("wb") as output:
            child = subprocess.Popen(
                [
                    sys.executable,
                    "-P",  # modules in the working directory are not loaded
                    "-m",
                    "dashboard.emulator",
                    *(f"--{name}={value}" for name, value in options.items()),
                    *(f"--without={story}" for story in without),
                    *([] if refusals_in_cdrs else ["--no-refusals-in-cdrs"]),
                    f"--tell={tell}",
                ],
                pass_fds=(tell,),
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **keys},
                start_new_session=True,
            )
            telling.close()
            until = time.monotonic() + timeout_s
            while time.monotonic() < until and child.poll() is None:
                if found := running(home):
                    _children[child.pid] = child
                    return found
                time.sleep(0.05)
            with suppress(ProcessLookupError):
                child.kill()
            child.wait()
            reason = (said.read() or b"").decode(errors="replace")
        raise SettingsError(f"The embedded account did not start. {reason or last_words(home)}")


def stop_unused(home: Path) -> None:
    """End the emulator of a home that nobody uses any more, unless it was started by itself."""
    with nobody_shares(users(home)) as free:
        found = running(home) if free else None
        if found is not None and not found.lasting:
            stop(home)


def stop(home: Path) -> None:
    """End the emulator of a home, and wait until it has ended."""
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]
    found = running(home)
    if found is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(found.pid)
        process.send_signal(signal.SIGTERM)
        child = _children.pop(found.pid, None)
        try:
            if child is not None:
                child.wait(STOP_S)
            else:
                process.wait(STOP_S)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            process.kill()
    note(home).unlink(missing_ok=True)


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Processes that ``start`` began and that have to be waited for."""


def answers(found: Running) -> bool:
    """
    Say whether that very process answers there, and not another one on its port.

    One that takes the connection and is too busy to answer in time counts: it is not started anew.
    """
    try:
        answer = requests.get(f"{found.url}/health", timeout=HEALTH_S)
        return bool(answer.ok and answer.json()["pid"] == found.pid)
    except requests.Timeout:
        with suppress(psutil.Error):
            return any("emulator" in part for part in psutil.Process(found.pid).cmdline())
        return False
    except (requests.RequestException, KeyError, TypeError):
        return False
