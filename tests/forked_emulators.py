"""
Start the emulators of tests in processes forked from one that has loaded the emulator's modules.

Loading the modules takes longer than most tests. A forked emulator gets its own environment, log and session, as one
that ``process.spawn`` starts; ``tests/emulator/test_forking.py`` checks that both ways give the same results.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from tests.forking import ONE_THREAD, end_with, enter
from tests.waiting import WAIT_S

ROOT = Path(__file__).parents[1]
LOADED_LATE = (
    "anyio._backends._asyncio",
    "filelock",
    "numpy.random",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""Modules that an emulator loads after its start."""
LONGEST = 1 << 17
"""Maximum length of a request in bytes."""


@dataclass(frozen=True)
class Forked:
    """A forked emulator; implements ``process.Child`` although another process is its parent."""

    pid: int
    ending: int
    """File descriptor of the process, readable once it has ended."""

    def poll(self) -> int | None:
        """Return 0 if the process has ended, else ``None``; nothing reads its exit status."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process has ended."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.ending, selectors.EVENT_READ)
            if not selector.select(timeout):
                raise subprocess.TimeoutExpired("emulator", timeout or 0)
        return 0

    def kill(self) -> None:
        """Kill the process."""
        signal.pidfd_send_signal(self.ending, signal.SIGKILL)

    def __del__(self) -> None:
        """Close the file descriptor."""
        os.close(self.ending)


class Forks:
    """A process that has loaded the emulator's modules and forks a process for each emulator."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="forks-")
        self.address = str(Path(self._folder.name) / "socket")
        read_fd, write_fd = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, self.address, str(write_fd)],
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            pass_fds=[write_fd],
        )
        os.close(write_fd)
        atexit.register(self.end)
        with os.fdopen(read_fd, "rb") as ready:
            assert ready.read(), "The process that forks emulators did not start."

    @property
    def pid(self) -> int:
        """Return the id of the process that forks."""
        return self._process.pid

    def end(self) -> None:
        """End the process; its emulators continue."""
        self._process.communicate()
        self._folder.cleanup()


@cache
def forks() -> Forks:
    """Return the process that forks; each test worker starts one for its first emulator."""
    return Forks()


def launch(arguments: Sequence[str], environment: Mapping[str, str], output: BinaryIO, error_fd: int) -> Forked:
    """Start an emulator as ``process.spawn`` does."""
    return launch_through(forks().address, arguments, environment, output, error_fd)


def launch_through(
    address: str, arguments: Sequence[str], environment: Mapping[str, str], output: BinaryIO, error_fd: int
) -> Forked:
    """Start an emulator through the process that listens at an address."""
    request = json.dumps([list(arguments), dict(environment), str(Path.cwd())]).encode()
    assert len(request) < LONGEST
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.settimeout(WAIT_S)
        line.connect(address)
        socket.send_fds(line, [request], [output.fileno(), error_fd])
        answer, (ending,), _, _ = socket.recv_fds(line, 64, 1)
    return Forked(int(answer), ending)


def answer(line: socket.socket, running: selectors.BaseSelector) -> list[str]:
    """
    Fork for one request, and send the new process's id and its file descriptor.

    Returns:
        In the new process, the arguments of its program; nothing in this one, which selects on its end.
    """
    request, descriptors, _, _ = socket.recv_fds(line, LONGEST, 2)
    forked = os.fork()
    if forked:
        ending = os.pidfd_open(forked)
        running.register(ending, selectors.EVENT_READ, forked)
        socket.send_fds(line, [str(forked).encode()], [ending])
        for descriptor in descriptors:
            os.close(descriptor)
        return []
    arguments, environment, folder = json.loads(request)
    output, errors = descriptors
    os.setsid()
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    enter(environment, folder)
    return [*arguments, f"--tell={errors}"]


def listen(address: str, ready_fd: int) -> list[str]:
    """
    Answer requests and reap ended emulators until standard input ends.

    Returns:
        In a new process, the arguments of its program; nothing in this one.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening, selectors.DefaultSelector() as selector:
        listening.bind(address)
        listening.listen()
        os.write(ready_fd, b"ready")
        os.close(ready_fd)
        selector.register(listening, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    return []
                if key.fileobj is not listening:
                    os.waitpid(key.data, 0)
                    selector.unregister(key.fileobj)
                    os.close(key.fd)
                    continue
                with closing(listening.accept()[0]) as line:
                    if arguments := answer(line, selector):
                        return arguments


if __name__ == "__main__":
    for name in ("dashboard.emulator.__main__", *LOADED_LATE):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    if asked := listen(sys.argv[1], int(sys.argv[2])):
        sys.argv = ["dashboard.emulator", *asked]
        end_with(sys.modules["dashboard.emulator.__main__"].main)
