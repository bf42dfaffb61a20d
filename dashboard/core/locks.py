"""
Lock files: exclusive locks, and shared locks with a test for remaining holders.

``filelock`` and ``fcntl`` are imported where they are used: the former loads asyncio, and Windows lacks the latter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from errno import ENOTSUP
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol

from dashboard.core.disk_faults import cure
from dashboard.core.errors import BusyError, LockError

if TYPE_CHECKING:
    from filelock import FileLock

HAS_FLOCK: Final = find_spec("fcntl") is not None
"""Whether the system has BSD file locks; Windows does not."""


class Closable(Protocol):
    """A held lock, released by ``close`` or at the end of the process."""

    def close(self) -> None:
        """Release the lock."""


@contextmanager
def exclusive(path: Path, *, timeout_s: float, busy: str) -> Iterator[None]:
    """
    Hold an exclusive lock.

    Args:
        path: Path of the lock file.
        timeout_s: Seconds to wait for the lock.
        busy: Message of the ``BusyError``.

    Raises:
        BusyError: Another process still holds the lock after the timeout.
        LockError: The lock file cannot be used.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - loads asyncio

    try:
        with _translate_errors(path):
            lock = FileLock(str(path), timeout=timeout_s).acquire()
    except Timeout as exc:
        raise BusyError(busy) from exc
    with lock:
        yield


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Translate an ``OSError`` of a lock file to a ``LockError``, unless it means that the lock is held elsewhere."""
    try:
        yield
    except OSError as exc:
        if isinstance(exc, BlockingIOError) or (isinstance(exc, TimeoutError) and exc.errno is None):
            raise
        raise LockError(f"The lock file {path} cannot be used: {exc.strerror or exc}. {cure(exc)}") from exc


def hold_if_free(path: Path) -> Closable | None:
    """
    Take an exclusive lock without waiting, and return it; ``None`` if another process holds it.

    Any thread may close the returned lock.

    Raises:
        LockError: The lock file cannot be used.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - loads asyncio

    lock = FileLock(str(path), timeout=0, thread_local=False)
    try:
        with _translate_errors(path):
            lock.acquire()
    except Timeout:
        return None
    return _Hold(lock)


class _Hold:
    """A held exclusive lock."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    def close(self) -> None:
        """Release the lock."""
        self._lock.release(force=True)


def share(path: Path) -> Closable:
    """
    Take a shared lock; it is held until the returned object is closed.

    Raises:
        LockError: The lock file cannot be used.
    """
    with _translate_errors(path):
        return _share_by_flock(path) if HAS_FLOCK else _SqliteShare(path)


def nobody_shares(path: Path) -> AbstractContextManager[bool]:
    """
    Return a context that yields whether no process shares the lock; if so, the context holds it exclusively.

    Raises:
        LockError: The lock file cannot be used.
    """
    return _nobody_by_flock(path) if HAS_FLOCK else _nobody_by_sqlite(path)


def lock_open_file(file: int | IO[bytes], *, shared: bool = False, wait: bool = True) -> None:
    """
    Lock an open file until it is closed.

    Args:
        file: File open for writing; for a shared lock, open for reading. Network file systems require this.
        shared: Take a shared lock instead of an exclusive one.
        wait: Wait until the lock is free.

    Raises:
        OSError: The file system does not support locks, or another process holds the lock and ``wait`` is false.
    """
    if not HAS_FLOCK:
        raise OSError(ENOTSUP, "This system has no file locks")
    import fcntl  # noqa: PLC0415 - not available on Windows

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)


def _share_by_flock(path: Path) -> IO[bytes]:
    file = path.open("a+b")
    try:
        lock_open_file(file, shared=True)
    except OSError:
        file.close()
        raise
    return file


@contextmanager
def _nobody_by_flock(path: Path) -> Iterator[bool]:
    with _translate_errors(path):
        file = path.open("a+b")  # opened for writing alone, a pipe in its place would block
    with file:
        try:
            with _translate_errors(path):
                lock_open_file(file, wait=False)
        except BlockingIOError:
            yield False
        else:
            yield True


class _SqliteShare:
    """A shared lock based on ``filelock.ReadWriteLock``, which stores its state in a SQLite file."""

    def __init__(self, path: Path) -> None:
        from filelock import ReadWriteLock  # noqa: PLC0415 - loads asyncio

        path.touch(mode=0o600)
        self._lock = ReadWriteLock(path, is_singleton=False)
        self._lock.acquire_read()

    def close(self) -> None:
        """Release the lock."""
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
