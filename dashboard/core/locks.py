"""
Lock files: exclusive ones, and shared ones that tell whether anybody still holds them.

``filelock`` and ``fcntl`` are imported where they are used: the former loads asyncio, and Windows lacks the latter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from errno import ENOTSUP
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol

from dashboard.core.errors import BusyError

if TYPE_CHECKING:
    from filelock import FileLock

HAS_FLOCK: Final = find_spec("fcntl") is not None
"""Whether the system has BSD file locks; Windows has none."""


class Closable(Protocol):
    """A hold that ends when it is closed, or with its process."""

    def close(self) -> None:
        """End the hold."""


@contextmanager
def exclusive(path: Path, *, timeout_s: float, busy: str) -> Iterator[None]:
    """
    Hold a lock file alone.

    Args:
        path: Of the lock file.
        timeout_s: Seconds to wait for it.
        busy: Sentence for the case that another process holds it.

    Raises:
        BusyError: Another process holds it.
        OSError: The lock file cannot be written.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - loads asyncio

    try:
        held = FileLock(str(path), timeout=timeout_s).acquire()
    except Timeout as exc:
        raise BusyError(busy) from exc
    with held:
        yield


def hold_if_free(path: Path) -> Closable | None:
    """
    Hold a lock file alone until what is returned is closed, by any thread; ``None`` where another process holds it.

    Raises:
        OSError: The lock file cannot be written.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - loads asyncio

    lock = FileLock(str(path), timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return _Hold(lock)


class _Hold:
    """An exclusive hold."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    def close(self) -> None:
        """End the hold."""
        self._lock.release(force=True)


def share(path: Path) -> Closable:
    """
    Hold a lock file beside others, until what is returned is closed.

    Raises:
        OSError: The lock file cannot be written.
    """
    return _share_by_flock(path) if HAS_FLOCK else _SqliteShare(path)


def nobody_shares(path: Path) -> AbstractContextManager[bool]:
    """Keep others from beginning to share a lock file, and return whether nobody shares it now."""
    return _nobody_by_flock(path) if HAS_FLOCK else _nobody_by_sqlite(path)


def lock_open_file(file: int | IO[bytes], *, shared: bool = False, wait: bool = True) -> None:
    """
    Lock an open file until it is closed.

    Args:
        file: Open for writing; one that is to be shared, for reading. A network file system asks for that.
        shared: Beside others that share it.
        wait: For whoever holds it.

    Raises:
        OSError: The file system keeps no locks, or another process holds it and ``wait`` is false.
    """
    if not HAS_FLOCK:
        raise OSError(ENOTSUP, "This system has no file locks")
    import fcntl  # noqa: PLC0415 - Windows has no such module

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)


def _share_by_flock(path: Path) -> IO[bytes]:
    file = path.open("a+b")
    lock_open_file(file, shared=True)
    return file


@contextmanager
def _nobody_by_flock(path: Path) -> Iterator[bool]:
    with path.open("ab") as file:
        try:
            lock_open_file(file, wait=False)
        except BlockingIOError:
            yield False
        else:
            yield True


class _SqliteShare:
    """A shared hold by ``filelock.ReadWriteLock``, which keeps its state in a SQLite file."""

    def __init__(self, path: Path) -> None:
        from filelock import ReadWriteLock  # noqa: PLC0415 - loads asyncio

        path.touch(mode=0o600)
        self._lock = ReadWriteLock(path, is_singleton=False)
        self._lock.acquire_read()

    def close(self) -> None:
        """End the hold."""
        self._lock.release()
        self._lock.close()


@contextmanager
def _nobody_by_sqlite(path: Path) -> Iterator[bool]:
    from filelock import ReadWriteLock, Timeout  # noqa: PLC0415 - loads asyncio

    path.touch(mode=0o600)
    lock = ReadWriteLock(path, is_singleton=False)
    try:
        lock.acquire_write(timeout=0, blocking=False)
    except Timeout:
        yield False
    else:
        try:
            yield True
        finally:
            lock.release()
    finally:
        lock.close()
