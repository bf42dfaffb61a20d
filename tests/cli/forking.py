"""
Run each command of the program in a process forked from one that has loaded the program's modules.

Loading the modules takes longer than most commands run. A command gets its own environment, its own standard streams
and the loaded modules, and exits as the program does. Commands that must start as from a shell use ``Program.start`` or
``Program.afresh``; ``test_forking.py`` checks that both ways give the same results.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock, Timer

import dashboard
from tests.forking import ONE_THREAD, end_with, enter
from tests.waiting import WAIT_S

PREFIXES = ("TRUNKGATE_", "FLOWROUTE_")
TERMINAL = {"COLUMNS": "200"}
"""Terminal width for the program, which reads it when its modules are loaded."""
ROOT = Path(__file__).parents[2]
LEFT_OUT = ("app", "emulator", "migrations", "web", "__main__")
"""Names of packages and modules that no command loads: the pages, and separate programs."""


class Forks:
    """A process that has loaded the program's modules and forks a process for each command."""

    def __init__(self) -> None:
        self._lock = Lock()
        others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            env={**others, **ONE_THREAD, **TERMINAL},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.end)

    def end(self) -> None:
        """End the process."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        """
        Run a command until it ends, without a terminal.

        Returns:
            Exit status, negative for a signal as in ``subprocess``; standard output; standard error.
        """
        with tempfile.TemporaryDirectory() as folder, self._lock:
            streams = [Path(folder) / name for name in ("out", "err")]
            asked = [list(arguments), dict(environment), str(Path.cwd()), [str(path) for path in streams]]
            told = self._process.stdin
            answers = self._process.stdout
            assert told is not None
            assert answers is not None
            told.write(json.dumps(asked) + "\n")
            told.flush()
            late = Timer(WAIT_S, self._process.kill)
            late.start()
            status = answers.readline()
            late.cancel()
            assert status, f"{arguments} did not end within {WAIT_S} s, or the process that forks has ended."
            out, err = (path.read_text(encoding="utf-8") for path in streams)
            return int(status), out, err


@cache
def forks() -> Forks:
    """Return the process that forks; each test worker starts one for its first command."""
    return Forks()


def load() -> None:
    """Import every module that a command may import."""
    for found in pkgutil.walk_packages(dashboard.__path__, "dashboard.", onerror=lambda _: None):
        if not {*LEFT_OUT} & {*found.name.split(".")}:
            importlib.import_module(found.name)


def answer(line: str) -> bool:
    """Fork for one request, and write the exit status of its command; return whether this process is the fork."""
    arguments, environment, folder, streams = json.loads(line)
    forked = os.fork()
    if forked:
        status = os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()
        return False
    for number, name, flags in zip(
        (0, 1, 2), (os.devnull, *streams), (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True
    ):
        opened = os.open(name, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    enter(environment, folder)
    gc.unfreeze()
    sys.argv = ["trunkgate", *arguments]
    return True


if __name__ == "__main__":
    from dashboard.cli.entry_point import main

    __package__ = ""  # usage messages then name the program, not this module
    load()
    gc.freeze()
    while request := sys.stdin.readline():
        if answer(request):
            end_with(main)
