"""
Containment: what goes wrong while one file is read is that file's error, and the other files are stored.

Faults of the machine (a full disk, no memory, an interrupt) are not contained: they concern every file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dashboard.core.errors import DashboardError, FileError, StoreError

OF_THE_MACHINE = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InterruptException)
"""Errors that say nothing of the file."""

logger = logging.getLogger(__name__)


@contextmanager
def contained(path: Path) -> Iterator[None]:
    """
    Turn whatever goes wrong while a file is read into a ``FileError`` that names the file and the cure.

    Args:
        path: The file that is read inside the block.

    Raises:
        FileError: The file cannot be read; nothing of it is to be taken.
        StoreError: The disk or the memory did not suffice, or the import was stopped.
        OSError: The disk failed, and not because of this file.
    """
    name, before = path.name or str(path), _state(path)
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
    except Exception as exc:  # whatever a reader stops on must not keep the other files out of the store
        logger.exception("Reading %s stopped.", name)
        raise _unreadable(name, exc) from exc


def of_engine(exc: StoreError) -> bool:
    """Return whether the engine did not accept the data; False for a fault of the machine."""
    return isinstance(exc.__cause__, duckdb.Error) and not isinstance(exc.__cause__, OF_THE_MACHINE)


def _unreadable(name: str, exc: BaseException) -> FileError:
    first = str(exc).strip().partition("\n")[0].rstrip(".")[:300]
    return FileError(
        f"The file could not be read, and nothing of it was taken ({type(exc).__name__}: {first}). Export it again "
        "with all columns; if that does not help, report this message with the first lines of the file.",
        file=name,
    )


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced, cut or removed."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
