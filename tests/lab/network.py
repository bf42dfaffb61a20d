"""Isolated network: a namespace in which documentation addresses are local and nothing else can be reached."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.waiting import WAIT_S

PROGRAM = shutil.which("ip") or ""


def missing() -> str:
    """Return why no network namespace can be made on this machine; ``""`` if one can."""
    if not PROGRAM:
        return "the program ip (iproute2) is not installed"
    if os.geteuid() != 0:
        return "making a network namespace takes root"
    name = f"tg-try-{os.getpid()}"
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError as exc:
        return f"no network namespace can be made: {exc.stderr.strip()}"
    _ip("netns", "del", name)
    return ""


@dataclass(frozen=True)
class Network:
    """A network namespace."""

    name: str

    def within(self, command: Sequence[str]) -> list[str]:
        """Return the command line that runs a command in the namespace."""
        return [PROGRAM, "netns", "exec", self.name, *command]


@contextmanager
def network(name: str, addresses: Iterable[str]) -> Iterator[Network]:
    """
    Make a network of one machine with many addresses, and delete it at the end of the block.

    Args:
        name: Name of the namespace; a leftover one with this name is deleted first.
        addresses: IPv4 addresses that are local in it. A program that binds one sends from it.
    """
    with suppress(subprocess.CalledProcessError):
        _ip("netns", "del", name)
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        for address in addresses:
            _ip("-n", name, "addr", "add", f"{address}/32", "dev", "lo")
        yield Network(name)
    finally:
        _ip("netns", "del", name)


def _ip(*arguments: str) -> None:
    subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=WAIT_S, check=True)
