"""
Concurrent staging of several files, with progress, cancellation and resumption.

A completely staged file leaves a note beside its parts. After an import was killed or stopped, the next import finds
the note and does not read the file again, if the file and the product version are unchanged.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import duckdb
import pyarrow

from dashboard import __version__
from dashboard.calls.ingest.day_parts import writing
from dashboard.calls.ingest.file_reader import stage
from dashboard.calls.ingest.prepared_stage import PreparedStages
from dashboard.calls.ingest.progress import FileProgress
from dashboard.calls.ingest.readers.interface import AT_ONCE, Shared
from dashboard.calls.ingest.staged import Staged, rows_in
from dashboard.calls.store.engine import Engine
from dashboard.calls.store.own_numbers import EVERY_NUMBER, OwnNumbers
from dashboard.core.regular_files import read_json

FILES = 2 * AT_ONCE
"""Files in work at the same time: while some are read, others are unpacked or synced to disk."""
LOOK_EVERY_S = 0.2
NOTE = "staged.json"


class Staging:
    """Staging of the files of one import into ``folder``."""

    def __init__(self, folder: Path, engine: Engine, *, whole: bool, own_numbers: OwnNumbers) -> None:
        """
        Prepare the staging.

        Args:
            folder: Work folder.
            engine: The SQL engine.
            whole: Accept only complete files; see ``file_reader.stage``.
            own_numbers: Caller IDs that the roll-up keeps in its key.
        """
        self._folder = folder
        self._engine = engine
        self._whole = whole
        self._own = own_numbers
        self._watches: list[FileProgress] = []

    def run(
        self, paths: Sequence[Path], progress: Callable[[str, float], None], stop: Callable[[], bool]
    ) -> list[Staged] | None:
        """
        Stage every file.

        Args:
            paths: The files.
            progress: Called with the current activity and the share of all bytes done, 0 to 1.
            stop: Polled five times a second; True stops staging, and files staged by then are kept for the next import.

        Returns:
            The result of each file, in order; ``None`` if stopped.

        Raises:
            StoreError: Disk space or memory ran out.
            OSError: The disk of a file failed while it was read.
        """
        folders = [self._folder / _name(path, self._own, whole=self._whole) for path in paths]
        self._remove_stale({folder.name for folder in folders})
        sizes = [_size(path) for path in paths]
        self._watches = [FileProgress() for _ in paths]
        with (
            ThreadPoolExecutor(AT_ONCE, thread_name_prefix="import days") as days,
            PreparedStages() as prepared,
            ThreadPoolExecutor(FILES, thread_name_prefix="import") as pool,
        ):
            shared = Shared(days, prepared=prepared, own=self._own)
            work: list[Future[Staged]] = []
            futures: dict[Path, Future[Staged]] = {}
            for number, (path, folder) in enumerate(zip(paths, folders, strict=True)):
                target = folder if folder not in futures else folder.with_name(f"{folder.name}-{number}")
                futures[target] = pool.submit(self._stage_file, number, path, target, shared)
                work.append(futures[target])
            try:
                whole = self._wait(paths, sizes, work, progress, stop)
            except BaseException:
                self._interrupt(work)
                raise
        return [future.result() for future in work] if whole else None

    def _wait(
        self,
        paths: Sequence[Path],
        sizes: Sequence[int],
        work: Sequence[Future[Staged]],
        progress: Callable[[str, float], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Wait for every file; return False if stopped before."""
        waiting = set(work)
        while waiting:
            if stop():
                self._interrupt(work)
                return False
            self._report_progress(paths, sizes, work, progress)
            finished, waiting = wait(waiting, LOOK_EVERY_S)
            for future in finished:
                future.result()
        return True

    def _stage_file(self, number: int, path: Path, folder: Path, shared: Shared) -> Staged:
        if (noted := _noted(folder, path)) is not None:
            return noted
        shutil.rmtree(folder, ignore_errors=True)
        watch = self._watches[number]
        staged = stage(path, folder, self._engine, whole=self._whole, watch=watch, shared=shared)
        if staged.usable:
            temporary = folder / f"{NOTE}.new"
            with writing(folder):
                temporary.write_text(json.dumps(staged.to_json()), encoding="utf-8")
                temporary.replace(folder / NOTE)
        return staged

    def _interrupt(self, work: Sequence[Future[Staged]]) -> None:
        """Cancel all work; DuckDB stops within a millisecond of an interrupt."""
        for future in work:
            future.cancel()
        while not all(future.done() for future in work):
            for watch in self._watches:
                watch.interrupt()
            wait(work, LOOK_EVERY_S)

    def _report_progress(
        self,
        paths: Sequence[Path],
        sizes: Sequence[int],
        work: Sequence[Future[Staged]],
        progress: Callable[[str, float], None],
    ) -> None:
        bytes_done = 0.0
        reading = [path.name for path, future in zip(paths, work, strict=True) if future.running()]
        for number, (size, future) in enumerate(zip(sizes, work, strict=True)):
            bytes_done += size * (1.0 if future.done() else self._watches[number].share())
        progress(f"Reading {reading[0] if reading else paths[-1].name}", bytes_done / max(1, sum(sizes)))

    def _remove_stale(self, current_names: set[str]) -> None:
        """Remove what an import of other files left behind."""
        for folder in self._folder.iterdir() if self._folder.exists() else ():
            if folder.name not in current_names:
                shutil.rmtree(folder, ignore_errors=True)


def _name(path: Path, own_numbers: OwnNumbers, *, whole: bool) -> str:
    """Return the name of a file's folder, made from the file's state, the own numbers, and its readers' versions."""
    try:
        status = path.stat()
        state = (str(path.resolve()), status.st_size, status.st_mtime_ns, status.st_ino)
    except OSError:
        state = (str(path), -1, -1, -1)
    text = json.dumps(
        [state, whole, own_numbers.array.to_pylist(), own_numbers == EVERY_NUMBER, __version__, duckdb.__version__]
    )
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _noted(folder: Path, path: Path) -> Staged | None:
    """Return the result that an earlier import noted for this file, if it is complete and its parts still exist."""
    try:
        staged = Staged.from_json(read_json(folder / NOTE))
        row_count = sum(rows_in(part) for parts in staged.days.values() for part in parts)
        whole = staged.rows == row_count and all(facts.is_whole() for facts in staged.facts.values())
    except (OSError, ValueError, KeyError, TypeError, pyarrow.ArrowException):
        return None
    return staged if staged.path == path and whole else None
