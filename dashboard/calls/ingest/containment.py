"""
Error containment: a fault while one file is read becomes that file's error, and the other files are still stored.

Machine faults (full disk, no memory, interrupt) are not contained: they affect every file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dashboard.core.errors import DashboardError, FileError, StoreError

OF_THE_MACHINE = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InterruptException)
"""DuckDB errors that are unrelated to the file."""

logger = logging.getLogger(__name__)


@contextmanager
def contained(path: Path, *, may_grow: bool = False) -> Iterator[None]:
    """
    Translate any fault while a file is read into a ``FileError`` that names the file and the remedy.

    Args:
        path: The file that is read inside the block.
        may_grow: Accept a file that changes while it is read, if reading it succeeds.

    Raises:
        FileError: The file cannot be read, or changed meanwhile; none of it may be imported.
        StoreError: Disk space or memory ran out, or the import was stopped.
        OSError: The disk failed for a reason unrelated to this file.
    """
    name = path.name or str(path)
    before = _state(path)
    try:
        yield
    except Exception as exc:  # no reader fault may keep other files out of the store
        if _may_be_due_to_change(exc) and _state(path) != before:
            raise _changed(name) from exc
        error = _error_of_file(exc, name)
        if error is None:
            raise
        raise error from exc
    if not may_grow and _state(path) != before:
        raise _changed(name)


def of_engine(exc: StoreError) -> bool:
    """Return whether DuckDB rejected the data; False for a machine fault."""
    return isinstance(exc.__cause__, duckdb.Error) and not isinstance(exc.__cause__, OF_THE_MACHINE)


def _may_be_due_to_change(exc: Exception) -> bool:
    """Return whether a change of the file can cause the exception; a full disk, lack of memory and a stop cannot."""
    if isinstance(exc, StoreError):
        return isinstance(exc.__cause__, duckdb.IOException) or of_engine(exc)
    return not isinstance(exc, MemoryError)


def _error_of_file(exc: Exception, name: str) -> FileError | None:
    """Return the error that names the file; ``None`` to raise the exception unchanged."""
    if isinstance(exc, StoreError):
        return _unreadable(name, exc.__cause__) if exc.__cause__ is not None and of_engine(exc) else None
    if isinstance(exc, FileError | OSError | MemoryError):
        return None
    if isinstance(exc, DashboardError):
        return FileError(f"{exc} Nothing of the file was taken.", file=name)
    logger.error("Reading %s stopped.", name, exc_info=exc)
    return _unreadable(name, exc)


def _changed(name: str) -> FileError:
    return FileError("The file was changed or removed while it was read. Import it again.", file=name)


def _unreadable(name: str, exc: BaseException) -> FileError:
    first = str(exc).strip().partition("\n")[0].rstrip(".")[:300]
    return FileError(
        f"The file could not be read, and nothing of it was taken ({type(exc).__name__}: {first}). Export it again "
        "with all columns; if that does not help, report this message with the first lines of the file.",
        file=name,
    )


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return size, modification time and inode, which change when a file is replaced, truncated or removed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
