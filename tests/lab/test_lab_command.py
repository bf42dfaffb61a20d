"""The lab as a command: the dashboard answers, the account has real calls, and SIGTERM leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psutil
import requests

from tests.lab.network import PROGRAM
from tests.waiting import WAIT_S, until

ASK_S = 30.0
ROOT = Path(__file__).parents[2]
MARK = "LAB_COMMAND_TEST"
"""Environment variable that every process of the lab inherits from the started one."""


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def marked(mark: str) -> dict[int, str]:
    """Return pid and name of the processes that have the mark and have not ended."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = process.name()
    return found


def networks() -> list[str]:
    """Return the names of the existing network namespaces."""
    told = subprocess.run([PROGRAM, "netns", "list"], capture_output=True, text=True, timeout=ASK_S, check=True)
    return [line.split()[0] for line in told.stdout.splitlines() if line]


def page_answers(port: int) -> bool:
    """Return whether the dashboard answers."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=ASK_S).ok
    except requests.RequestException:
        return False


def calls(account: Path) -> int:
    """Return the number of calls of the account; 0 before its database exists."""
    try:
        with closing(sqlite3.connect(f"file:{account}?mode=ro", uri=True, timeout=ASK_S)) as kept:
            return int(kept.execute("SELECT count(*) FROM calls").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def wait_until(there: Callable[[], bool], started: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a condition is true; fail if the program ends before."""
    until(
        there,
        going=lambda: started.poll() is None,
        say=lambda: f"Status {started.poll()}: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}",
    )


def test_the_lab_runs_until_it_is_told_to_end(tmp_path: Path) -> None:
    """The page and the first CDR of a real call appear; SIGTERM gives status 0 and leaves no process and no network."""
    home = tmp_path / "home"
    log = tmp_path / "lab.log"
    mark = uuid.uuid4().hex
    port = free_port()
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "tests.lab", "--port", str(port), "--home", str(home)],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=os.environ | {MARK: mark},
            start_new_session=True,
        )
    network = f"tg-lab-{started.pid}"
    try:
        wait_until(lambda: page_answers(port), started, log)
        wait_until(lambda: calls(home / "emulator.db") > 0, started, log)
        assert {"kamailio", "sipp"} <= set(marked(mark).values())
        assert network in networks()

        started.send_signal(signal.SIGTERM)
        assert started.wait(WAIT_S) == 0, log.read_text(encoding="utf-8", errors="replace")[-2000:]
        assert {} == marked(mark)
        assert network not in networks()
        assert not page_answers(port)
    finally:
        for pid in marked(mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        started.wait()
        if network in networks():
            subprocess.run([PROGRAM, "netns", "del", network], timeout=ASK_S, check=False)
