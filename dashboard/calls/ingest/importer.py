"""
Import of export files: staged in parallel, merged with the store day by day, published at once.

Deduplication key: the file's ``cdr_id``, else the row's content plus an ordinal among equal rows of the file; a known
call keeps its ``call_key``. A file imported twice therefore adds nothing, and two calls that are equal in every column
stay two. Only days that change are rewritten. Memory does not grow with the size of the files; an import that was
killed or stopped resumes where it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from dashboard.calls.ingest.lenient_csv import Reject
from dashboard.calls.ingest.merge import Merged, Merger, Window
from dashboard.calls.ingest.staged import Staged
from dashboard.calls.ingest.staging import Staging
from dashboard.calls.store.generations import Day, Generation
from dashboard.calls.store.own_numbers import list_of_new
from dashboard.calls.store.rejects import REJECTS
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import StoreError
from dashboard.core.progress import never_stop, no_progress

STAGING = 0.8
"""Share of an import's progress spent reading files."""


FIRST_REJECTS = 20
"""Number of bad rows listed in a file's result; the store has the others."""


@dataclass(frozen=True)
class FileResult:
    """Import result of one file. ``error`` is a sentence; ``kept`` may still count imported rows if it is set."""

    file: str
    kept: int = 0
    """Calls that the store did not have, or had with other content."""
    duplicate: int = 0
    """Calls that the store already had, or that occurred twice."""
    rejected: int = 0
    """Bad rows, kept aside; see ``CallStore.rejects``."""
    late: int = 0
    """Calls on days past the retention of single calls; only the roll-up of such a day remains, and it is unchanged."""
    error: str = ""
    rejects: tuple[Reject, ...] = ()
    """The first bad rows."""


def import_files(
    store: CallStore,
    paths: Sequence[Path],
    *,
    window: Window | None = None,
    keep_days: int | None = None,
    progress: Callable[[str, float], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[FileResult]:
    """
    Import export files, gzip or plain, all at once or not at all.

    Args:
        store: Destination of the calls.
        paths: The files.
        window: Set for an export from the API: a stored call that starts in [from, to) and is not in the files is
            removed if it came from the carrier's export; if it is known from imported files only, it is set apart and
            counts in no total (``Day.file_only``). Neither happens if the files have bad rows, because those may be
            these calls. A file that cannot be read completely stops the import.
        keep_days: Retention: single calls older than this many days before the newest are removed; their roll-ups stay.
        progress: Called with the current activity and the share done by bytes, 0 to 1.
        stop: Polled continuously; True leaves the store unchanged, and the same import resumes later.

    Returns:
        A result for each file, in order. No loss is silent: a file of which not every row was imported has
        ``rejected``, ``late`` or ``error``.

    Raises:
        BusyError: Another process is importing.
        StoreError: The disk or a part of the store on it cannot be used; the store is unchanged.
        OSError: The disk of a file failed while it was read; the store is unchanged.
    """
    return _Import(store, window, keep_days, progress or no_progress, stop or never_stop).run(
        [Path(path) for path in paths]
    )


class _Import:
    """One import, from acquiring the lock to publishing the new generation."""

    def __init__(
        self,
        store: CallStore,
        window: Window | None,
        keep_days: int | None,
        progress: Callable[[str, float], None],
        stop: Callable[[], bool],
    ) -> None:
        self._store = store
        self._window = window
        self._keep_days = keep_days
        self._by_carrier = window is not None
        self._tell = progress
        self._stop = stop
        self._far = 0.0

    def _progress(self, activity: str, share: float) -> None:
        """Report progress; reading a file again does not move it backwards."""
        self._far = max(self._far, share)
        self._tell(activity, self._far)

    def run(self, paths: list[Path]) -> list[FileResult]:
        with self._store.generations.writing() as work:
            try:
                return self._run(paths, work)
            except KeyboardInterrupt:
                self._store.generations.keep_work()
                raise

    def _run(self, paths: list[Path], work: Path) -> list[FileResult]:
        base = self._store.generations.current()
        own_numbers, _ = list_of_new(self._store.generations, base)
        staging = Staging(work / "staged", self._store.engine, whole=self._window is not None, own_numbers=own_numbers)
        staged = staging.run(paths, lambda activity, share: self._progress(activity, share * STAGING), self._stop)
        if staged is None:
            self._store.generations.keep_work()
            return _stopped(paths)
        if self._window is not None and any(not file.usable for file in staged):
            return [_skipped_result(file) for file in staged]
        if any(file.rejected for file in staged):
            self._window = None
        merger = Merger(self._store, base, work, self._window, by_carrier=self._by_carrier)
        merged = merger.run(
            staged, lambda activity, share: self._progress(activity, STAGING + share * (1 - STAGING)), self._stop
        )
        if merged is None:
            self._store.generations.keep_work()
            return _stopped(paths)
        self._publish(base, merged, staged, work)
        self._progress("Done", 1.0)
        return [_result(number, file, merged) for number, file in enumerate(staged)]

    def _publish(self, base: Generation, merged: Merged, staged: list[Staged], work: Path) -> None:
        rejects = self._store_rejects(base, staged, work)
        days = _retire(merged.days, self._keep_days)
        generation = replace(base, number=base.number + 1, days=days, rejects=rejects)
        if generation.days != base.days or generation.rejects != base.rejects:
            self._store.generations.publish(generation, base)

    def _store_rejects(self, base: Generation, staged: list[Staged], work: Path) -> str:
        """Store the bad rows, even if the old list is lost."""
        try:
            old = self._store.bad_rows.of(base)
        except StoreError:
            self._progress("The list of bad rows cannot be read; it begins anew", self._far)
            old = REJECTS.empty_table()
        bad = [reject for file in staged for reject in file.rejects]
        return self._store.bad_rows.keep(base, old, bad, [file.path.name for file in staged if file.usable], work)


def _result(number: int, file: Staged, merged: Merged) -> FileResult:
    stored = merged.kept.get(number, 0)
    late = merged.late.get(number, 0)
    return FileResult(
        file=str(file.path),
        kept=stored,
        duplicate=file.rows - stored - late,
        rejected=file.rejected,
        late=late,
        error=file.error,
        rejects=tuple(file.rejects[:FIRST_REJECTS]),
    )


def _retire(days: dict[date, Day], keep_days: int | None) -> dict[date, Day]:
    """Remove the single calls of days past retention; keep their roll-ups."""
    if keep_days is None or not days:
        return days
    first = max(days) - timedelta(days=keep_days - 1)
    return {
        day: content if day >= first else replace(content, calls=(), imported=(), file_only=())
        for day, content in days.items()
    }


def _skipped_result(file: Staged) -> FileResult:
    reason = file.error or (
        f"{file.path.name}: Nothing of it was taken, because another file of the same export could not be read."
    )
    return FileResult(str(file.path), rejected=file.rejected, error=reason)


def _stopped(paths: list[Path]) -> list[FileResult]:
    return [FileResult(str(p), error=f"{p.name}: The import was stopped; nothing of it was stored.") for p in paths]
