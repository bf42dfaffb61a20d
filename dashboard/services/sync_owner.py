"""
Ownership of the sync: one sync loop per home; the process that holds ``sync-owner.lock`` syncs, any other waits.

The operating system releases the lock whenever its process ends, so a stale owner cannot remain.
``sync-owner.json`` only describes the owner: process, start, port.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from dashboard.core import clocks
from dashboard.core.disk_faults import cure
from dashboard.core.errors import StateError
from dashboard.core.locks import Closable, hold_if_free
from dashboard.core.regular_files import read_json


@dataclass(frozen=True)
class Owner:
    """The process that syncs a home."""

    pid: int
    since: str
    """Time at which the process became the owner, UTC, ISO 8601."""
    port: int = 0
    """Port of its dashboard on loopback; 0 if unknown."""

    @property
    def sentence(self) -> str:
        """Description of the process for an operator."""
        port = f", http://127.0.0.1:{self.port}" if self.port else ""
        return f"process {self.pid}, since {datetime.fromisoformat(self.since):%Y-%m-%d %H:%M:%S} UTC{port}"


class SyncOwner:
    """Lock with which one process owns the sync of a home. Safe to share between threads."""

    def __init__(self, home: Path, *, port: int = 0) -> None:
        """
        Prepare the lock without acquiring it.

        Args:
            home: State folder.
            port: Port of this process's dashboard, to be named by other processes.
        """
        self._note = home / "sync-owner.json"
        self._path = home / "sync-owner.lock"
        self._hold: Closable | None = None
        self._port = port

    def acquire(self) -> bool:
        """
        Become the owner if there is none, without waiting.

        Returns:
            Whether this process is the owner.

        Raises:
            LockError: The lock cannot be used.
            StateError: ``sync-owner.json`` cannot be written.
        """
        if self._hold:
            return True
        self._hold = hold_if_free(self._path)
        if not self._hold:
            return False
        self._write()
        return True

    def other(self) -> str:
        """Return a description of the other process that syncs this home; empty if this process does."""
        if self._hold:
            return ""
        try:
            return Owner(**read_json(self._note)).sentence
        except (OSError, ValueError, TypeError):
            return "a process that has not said who it is"

    def release(self) -> None:
        """Release the lock, so that another process can sync the home."""
        if self._hold:
            with suppress(OSError):
                self._note.unlink()
            self._hold.close()
            self._hold = None

    def _write(self) -> None:
        owner = Owner(os.getpid(), clocks.now().isoformat(timespec="seconds"), self._port)
        temporary = self._note.with_name(f"{self._note.name}.{owner.pid}")
        try:
            with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                file.write(json.dumps(asdict(owner)))
            temporary.replace(self._note)
        except OSError as exc:
            self.release()
            raise StateError(f"The file {self._note} cannot be written: {exc.strerror}. {cure(exc)}") from exc
