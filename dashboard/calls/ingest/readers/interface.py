"""Interface of the readers of export files."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Semaphore
from typing import Protocol

from dashboard.calls.ingest.columnar import Customers
from dashboard.calls.ingest.day_writer import DayWriter
from dashboard.calls.ingest.files import Prepared
from dashboard.calls.ingest.prepared_stage import PreparedStages
from dashboard.calls.ingest.progress import FileProgress
from dashboard.calls.ingest.staged import Staged
from dashboard.calls.store.engine import Engine
from dashboard.calls.store.own_numbers import EVERY_NUMBER, OwnNumbers

AT_ONCE = 2
"""Files that DuckDB reads at the same time, and days that are read at the same time as columns."""


@dataclass(frozen=True)
class Shared:
    """Resources shared by the files of one import."""

    pool: Executor
    """Executor for days read as columns."""
    turn: Semaphore = field(default_factory=Semaphore)
    """Held while DuckDB reads a large file: it uses every core, and two files at once are slower."""
    engines: Semaphore = field(default_factory=lambda: Semaphore(AT_ONCE))
    """Held while DuckDB reads a file, acquired after ``turn``."""
    customers: Customers = field(default_factory=dict)
    """Addresses parsed so far."""
    day_writer: DayWriter = field(default_factory=DayWriter)
    """Writer of the days that were in memory as columns."""
    prepared: PreparedStages = field(default_factory=PreparedStages)
    """Prepared statements for small files."""
    own: OwnNumbers = EVERY_NUMBER
    """Caller IDs that the roll-up keeps in its key."""


@dataclass(frozen=True)
class FileReading:
    """One export file, and what a reader needs to stage it."""

    prepared: Prepared
    """The file as plain text in UTF-8."""
    staged: Staged
    """Result; the reader adds days and rows to it, and the rows that it rejects."""
    work: Path
    """Folder for this file only."""
    engine: Engine
    watch: FileProgress
    """Progress of the file."""
    shared: Shared


class CdrReader(Protocol):
    """Reader of export files of one kind."""

    def stage(self, file: FileReading) -> None:
        """
        Stage the calls of a file.

        Raises:
            MisfitError: A row does not fit this reader; nothing is staged.
            StoreError: Disk space or memory ran out, or the import was interrupted.
            OSError: The disk of the file failed while it was read.
        """
