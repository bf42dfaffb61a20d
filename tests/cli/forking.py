"""
Commands of the program, each in a process of its own, forked from one that has loaded the program's modules.

Loading them takes longer than most commands run. A command finds nothing but its own environment, its own standard
streams and loaded modules; it ends as the program does. What has to begin as at a shell is started as such
(``Program.start``), and ``test_forking.py`` holds that both ways answer the same.
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
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock, Timer

import dashboard
from tests.waiting import WAIT_S

PREFIXES = ("TRUNKGATE_", "FLOWROUTE_")
TERMINAL = {"COLUMNS": "200"}
"""What the program is to take for the terminal's width; it asks when its modules are loaded."""
ROOT = Path(__file__).parents[2]
LEFT_OUT = ("app", "emulator", "migrations", "web", "__main__")
"""What no command loads: the pages, and programs of their own."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Forking a process with several threads is unsafe."""


class Forks:
    """A process that has loaded the program's modules, and forks another for each command."""

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
        """End it."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        """
        Run a command to its end, with nobody at the terminal.

        Returns:
            Its status, as ``subprocess`` counts it, and what it wrote to its standard output and its standard error.
        """
        with tempfile.TemporaryDirectory() as folder, self._lock:
            streams = [Path(folder) / name for name in ("out", "err")]
            asked = [list(arguments), dict(environment), str(Path.cwd()), [str(path) for path in streams]]
            told, answers = self._process.stdin, self._process.stdout
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
    """Return the process that forks; each worker of the tests has one, from its first command on."""
    return Forks()


def load() -> None:
    """Load every module that a command may load."""
    for found in pkgutil.walk_packages(dashboard.__path__, "dashboard.", onerror=lambda _: None):
        if not {*LEFT_OUT} & {*found.name.split(".")}:
            importlib.import_module(found.name)


def answer(line: str) -> bool:
    """Fork for one request, and say how its command ended; return whether this process is the fork."""
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
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    time.tzset()
    gc.unfreeze()
    sys.argv = ["trunkgate", *arguments]
    return True


def end_with(command: Callable[[], None]) -> None:
    """
    Run a command and end this process with its status.

    What a program does at its end is done: it waits for its threads, calls what was registered, flushes. The modules
    are not taken apart: that would copy all memory that this process shares with the one it was forked from.
    """
    status = 1
    try:
        command()
        status = 0
    except SystemExit as ending:
        status = int(ending.code or 0)
    except BaseException:  # noqa: BLE001 - as the interpreter does with what nobody caught
        traceback.print_exc()
    finally:
        threading._shutdown()  # noqa: SLF001 - what the interpreter calls first when it ends
        atexit._run_exitfuncs()  # noqa: SLF001 - and what it calls next
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    from dashboard.cli.entry_point import main

    __package__ = ""  # a command is named by its program, not by this module
    load()
    gc.freeze()
    while request := sys.stdin.readline():
        if answer(request):
            end_with(main)
