"""The real program in a process of its own, on homes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dashboard.emulator import process
from dashboard.emulator.folder import use
from tests.waiting import WAIT_S

CALLS = 3_000
PROGRAM = (sys.executable, "-c", "from dashboard.cli import main; main()")


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return standard output, all of which has to be JSON."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """Return the one sentence of a failed command: no traceback, nothing on standard output."""
        assert "Traceback" not in self.err
        assert self.out == ""
        assert self.err.startswith("trunkgate: ")
        return self.err.removeprefix("trunkgate: ").strip()


@dataclass(frozen=True)
class Program:
    """``trunkgate`` on one home."""

    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Return what the program sees of the environment."""
        mine = {key: value for key, value in os.environ.items() if not key.startswith(("TRUNKGATE_", "FLOWROUTE_"))}
        return mine | {"TRUNKGATE_HOME": str(self.home), "TRUNKGATE_SAMPLE_CALLS": str(CALLS), "COLUMNS": "200"} | more

    def __call__(self, *arguments: object, **environment: str) -> Answer:
        """Run a command to its end, with nobody at the terminal."""
        done = subprocess.run(
            [*PROGRAM, *map(str, arguments)],
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: object, log: Path, **environment: str) -> subprocess.Popen[bytes]:
        """Start a command that runs until it is told to end; all it says goes to a file."""
        with log.open("wb") as output:
            return subprocess.Popen(
                [*PROGRAM, *map(str, arguments)],
                env=self.environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def plan(self, check: str, subject: str) -> Any:
        """Return the plan of a fix, as ``--dry-run`` prints it."""
        return self("fix", check, subject, "--dry-run", "--format", "json").json


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Program]]:
    """Make homes whose account runs already and is synced; all end with the session."""
    with ExitStack() as stack:

        def make(name: str, **options: Any) -> Program:
            home = tmp_path_factory.mktemp(name)
            stack.enter_context(use(home))
            process.start(home, **({"calls": CALLS} | options))
            stack.callback(process.stop, home)
            program = Program(home)
            assert program("sync").status == 0
            return program

        yield make


@pytest.fixture(scope="session")
def shared(homes: Callable[..., Program]) -> Program:
    """Share one home among tests that leave its account as they found it."""
    return homes("shared")


@pytest.fixture
def bare(tmp_path: Path) -> Program:
    """Name a home that does not exist yet."""
    return Program(tmp_path / "bare")
