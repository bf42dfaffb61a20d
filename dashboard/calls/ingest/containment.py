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
def contained(path: Path) -> Iterator[None]:
    """
    Translate any fault while a file is read into a ``FileError`` that names the file and the remedy.

    Args:
        path: The file that is read inside the block.

    Raises:
        FileError: The file cannot be read; none of it may be imported.
        StoreError: Disk space or memory ran out, or the import was stopped.
        OSError: The disk failed for a reason unrelated to this file.
    """
    name = path.name or str(path)
    before = _state(path)
    try:
        yield
    except FileError:
        raise
    except (StoreError, OSError, MemoryError) as exc:
        if isinstance(exc, OSError) or isinstance(exc.__cause__, duckdb.IOException):
            if _state(path) == before:
                raise
            message = "The file was changed or removed while it was read. Import it again."
            raise FileError(message, file=name) from exc
        if not isinstance(exc, StoreError) or exc.__cause__ is None or not of_engine(exc):
            raise
        raise _unreadable(name, exc.__cause__) from exc
    except DashboardError as exc:
        raise FileError(f"{exc} Nothing of the file was taken.", file=name) from exc
    except Exception as exc:  # no reader fault may keep other files out of the store
        logger.exception("Reading %s stopped.", name)
        raise _unreadable(name, exc) from exc


def of_engine(exc: StoreError) -> bool:
    """Return whether DuckDB rejected the data; False for a machine fault."""
    return isinstance(exc.__cause__, duckdb.Error) and not isinstance(exc.__cause__, OF_THE_MACHINE)


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
