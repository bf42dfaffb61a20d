"""Progress of reading one file, and cancellation from another thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

import duckdb

from dashboard.core.errors import StoreError

UNPACKING = 0.2
"""Share of a file's work done before DuckDB reads it."""


class FileProgress:
    """Progress of one file that is read in pieces. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._pieces = 1
        self._done = 0
        self._far: dict[object, float] = {}
        self._ended = False

    def begin(self, pieces: int) -> None:
        """
        Restart progress at the start of the file, with this number of pieces.

        Raises:
            StoreError: The import was stopped.
        """
        with self._lock:
            self._pieces = pieces
            self._done = 0
            self._go_on()

    def check(self) -> None:
        """
        Check whether reading may go on.

        Raises:
            StoreError: The import was stopped.
        """
        with self._lock:
            self._go_on()

    @contextmanager
    def running(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Track a cursor that reads a piece."""
        with self._lock:
            self._running.add(cursor)
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(cursor)
                self._done += 1

    @contextmanager
    def piece(self) -> Iterator[Callable[[float], None]]:
        """
        Track a piece that is read without DuckDB.

        Yields a callback that takes the share of the piece that is done; it raises StoreError once the import is
        stopped.
        """
        key = object()

        def on_progress(share: float) -> None:
            with self._lock:
                self._far[key] = share
                self._go_on()

        try:
            on_progress(0.0)
            yield on_progress
        finally:
            with self._lock:
                del self._far[key]
                self._done += 1

    def interrupt(self) -> None:
        """Interrupt all running reads."""
        with self._lock:
            self._ended = True
            for cursor in self._running:
                cursor.interrupt()

    def _go_on(self) -> None:
        if self._ended:
            raise StoreError("The import was stopped; nothing of it was stored.")

    def share(self) -> float:
        """Return the share of the file that is done, 0 to 1."""
        with self._lock:
            now = sum(max(0.0, cursor.query_progress()) / 100 for cursor in self._running) + sum(self._far.values())
            fraction = min(1.0, (self._done + now) / self._pieces)
            return UNPACKING + (1 - UNPACKING) * fraction if self._running or self._far or self._done else 0.0
