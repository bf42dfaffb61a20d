"""Fixtures that run the real program in a separate process, on separate homes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dashboard.core.locks import share
from dashboard.emulator.lifecycle import process
from dashboard.emulator.lifecycle.home import users_lock
from tests.cli.forking import PREFIXES, TERMINAL, forks
from tests.waiting import WAIT_S

CALLS = 3_000
PROGRAM = (str(Path(sys.executable).with_name("trunkgate")),)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that use ``homes`` on one worker: they share them, and mostly wait, while other workers compute."""
    for item in items:
        if item.path.parent == Path(__file__).parent and "homes" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("homes"))


@dataclass(frozen=True)
class Answer:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return standard output parsed as JSON; it must not contain anything else."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """Return the message of a failed command, which must have no traceback and no standard output."""
        assert "Traceback" not in self.err
        assert self.out == ""
        assert self.err.startswith("trunkgate: ")
        return self.err.removeprefix("trunkgate: ").strip()


@dataclass(frozen=True)
class Program:
    """The program ``trunkgate`` on one home."""

    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Return the program's environment: this home, ``CALLS`` sample calls, ``more``, and no inherited settings."""
        mine = {key: value for key, value in os.environ.items() if not key.startswith(PREFIXES)}
        return mine | TERMINAL | {"TRUNKGATE_HOME": str(self.home), "TRUNKGATE_SAMPLE_CALLS": str(CALLS)} | more

    def __call__(self, *arguments: object, **environment: str) -> Answer:
        """Run a command until it ends, without a terminal."""
        return Answer(*forks().run([*map(str, arguments)], self.environment(**environment)))

    def afresh(self, *arguments: object, **environment: str) -> Answer:
        """Run a command in a new interpreter, as a shell does; loading the program takes seconds longer."""
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
        """Start a command that runs until it is stopped, with all its output in a file."""
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
    """Yield a function that makes homes with a running, synced account; all accounts are stopped with the session."""
    with ExitStack() as stack:

        def make(name: str, **options: Any) -> Program:
            home = tmp_path_factory.mktemp(name)
            stack.enter_context(closing(share(users_lock(home))))
            process.start(home, **({"calls": CALLS} | options))
            stack.callback(process.stop, home)
            program = Program(home)
            assert program("sync").status == 0
            return program

        yield make


@pytest.fixture(scope="session")
def shared(homes: Callable[..., Program]) -> Program:
    """Share one home among tests that do not change its account."""
    return homes("shared")


@pytest.fixture
def bare(tmp_path: Path) -> Program:
    """Return the program on a home that does not exist yet."""
    return Program(tmp_path / "bare")


@contextmanager
def answering(status: int) -> Iterator[str]:
    """Run a carrier that answers every request with a status and ``Retry-After: 0``; yield its URL."""

    class Always(BaseHTTPRequestHandler):
        """Handler that answers with the status."""

        def do_GET(self) -> None:
            """Send the status."""
            self.send_response(status)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - name required by http.server

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Always) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="session")
def unavailable() -> Iterator[str]:
    """Run a carrier that answers 503; without an answer each command would retry for eight seconds."""
    with answering(503) as url:
        yield url
