"""
Import of export files: staged (``reading``), merged day by day with what the store has, published at once.

A call is known again by its ``call_key``: the file's ``cdr_id``, else a digest over the documented
columns with an ordinal among equal rows of the file. So a file imported twice adds nothing, and two
calls that are equal in every column stay two. Only days that change are written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pyarrow.parquet

from dashboard.calls.engine import run, utc
from dashboard.calls.generations import Day, Generation
from dashboard.calls.reading import Staged, stage
from dashboard.calls.repair import Reject
from dashboard.calls.store import REJECT_COLUMNS, CallStore

BATCH_ROWS = 400_000
"""Days are merged together up to this many rows: few enough for memory, enough to be quick."""
NEVER = datetime(1970, 1, 1)  # noqa: DTZ001 - as the store has times: UTC without a zone


@dataclass(frozen=True)
class FileResult:
    """What became of one file. ``error`` is a sentence; with it ``kept`` may still count rows that were taken."""

    file: str
    kept: int = 0
    """Calls the store did not have, or had with other content."""
    duplicate: int = 0
    """Calls the store had already, or that came twice."""
    rejected: int = 0
    """Bad rows, kept aside: ``CallStore.rejects``."""
    error: str = ""


def import_files(
    store: CallStore,
    paths: Sequence[Path],
    *,
    window: tuple[datetime, datetime] | None = None,
    progress: Callable[[str, float], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[FileResult]:
    """
    Import export files, gzip or plain, all at once or not at all.

    Args:
        store: Where the calls go.
        paths: The files.
        window: Given for an export from the API: every stored call that starts in [from, to) and is
            not in the files goes away, unless the files have bad rows: those may be just these calls. Then
            a file that cannot be read whole stops the import.
        progress: Told what is going on and how far it is, 0 to 1.
        stop: Asked between steps; True leaves the store as it is.

    Returns:
        A result for each file, in order. Nothing is silent: a file of which not every row was
        taken has ``rejected`` or ``error``.

    Raises:
        BusyError: Another process is importing.
        StoreError: The disk or a part of the store on it cannot be used; the store is as it was.
    """
    return _Import(store, window, progress or _silent, stop or _go_on).run([Path(path) for path in paths])


class _Import:
    """One import, from the lock to the new generation."""

    def __init__(
        self,
        store: CallStore,
        window: tuple[datetime, datetime] | None,
        progress: Callable[[str, float], None],
        stop: Callable[[], bool],
    ) -> None:
        self._store, self._window = store, window
        self._progress, self._stop = progress, stop
        self._days: dict[date, Day] = {}
        self._kept: dict[int, int] = {}

    def run(self, paths: list[Path]) -> list[FileResult]:
        with self._store.generations.writing() as work:
            staged: list[Staged] = []
            for number, path in enumerate(paths):
                if self._stop():
                    return _stopped(paths)
                self._progress(f"Reading {path.name}", number / len(paths) / 2)
                whole = self._window is not None
                staged.append(stage(path, number, work / f"file{number}", self._store.engine, whole=whole))
            if self._window is not None and any(not file.usable for file in staged):
                return [_left_out(file) for file in staged]
            if any(file.rejected for file in staged):
                self._window = None
            base = self._store.generations.current()
            self._days = dict(base.days)
            if not self._merge(base, staged, work):
                return _stopped(paths)
            self._publish(base, staged, work)
        self._progress("Done", 1.0)
        return [
            FileResult(
                file=str(file.path),
                kept=self._kept.get(number, 0),
                duplicate=file.rows - self._kept.get(number, 0),
                rejected=file.rejected,
                error=file.error,
            )
            for number, file in enumerate(staged)
        ]

    def _merge(self, base: Generation, staged: list[Staged], work: Path) -> bool:
        """Merge day by day; False where it was stopped."""
        incoming: dict[date, list[str]] = {}
        for file in staged:
            for day, parts in file.days.items():
                incoming.setdefault(day, []).extend(parts)
        touched = sorted({*incoming, *self._window_days(base)})
        sizes = {day: sum(_rows(part) for part in incoming.get(day, ())) for day in touched}
        for day in base.days.keys() & sizes.keys():
            sizes[day] += base.days[day].rows
        done = 0
        for batch in _batches(sizes):
            if self._stop():
                return False
            self._progress(f"Storing {batch[0]:%Y-%m-%d}", 0.5 + done / len(touched) / 2)
            done += len(batch)
            parameters = {
                "staged": [part for day in batch for part in incoming.get(day, ())],
                "calls": self._store.parts(base.days[day].calls for day in batch if day in base.days),
                "replaced_from": utc(self._window[0]) if self._window else NEVER,
                "replaced_until": utc(self._window[1]) if self._window else NEVER,
            }
            with self._store.engine.cursor("store the calls of an import") as cursor:
                self._merge_batch(cursor, parameters, work)
        return True

    def _merge_batch(self, cursor: duckdb.DuckDBPyConnection, parameters: dict[str, Any], work: Path) -> None:
        run(cursor, "merge", parameters)
        for number, kept in run(cursor, "file_changes", {}).fetchall():
            self._kept[number] = self._kept.get(number, 0) + kept
        for day, rows, changed, first_at, last_at in run(cursor, "day_changes", {}).fetchall():
            if not changed:
                continue
            if not rows:
                del self._days[day]
                continue
            calls, traffic = work / "calls.parquet", work / "traffic.parquet"
            run(cursor, "day", {"day": day}, target=calls)
            since = datetime.combine(day, datetime.min.time())
            rolled = {
                "calls": [str(calls)],
                "since": since,
                "until": since + timedelta(days=1),
                "hours": None,
                "cuts": [],
            }
            run(cursor, "rollup", rolled, target=traffic)
            self._days[day] = Day(
                calls=self._store.generations.adopt(calls, f"{day}-calls"),
                traffic=self._store.generations.adopt(traffic, f"{day}-traffic"),
                rows=rows,
                first_at=first_at.replace(tzinfo=UTC),
                last_at=last_at.replace(tzinfo=UTC),
            )

    def _publish(self, base: Generation, staged: list[Staged], work: Path) -> None:
        rejects = self._keep_rejects(base, staged, work)
        made = replace(base, number=base.number + 1, days=self._days, rejects=rejects)
        if made.days != base.days or made.rejects != base.rejects:
            self._store.generations.publish(made, base)

    def _keep_rejects(self, base: Generation, staged: list[Staged], work: Path) -> str:
        """Put the bad rows beside the old ones; those of a file that came again take the place of its old ones."""
        bad = [reject for file in staged for reject in file.rejects]
        names = {file.path.name for file in staged if file.usable}
        old = self._store.reject_rows(base)
        kept = [row for row in old if row["file"] not in names]
        known = {(row["column"], row["raw"]) for row in kept}
        same = {tuple(row[name] for name in REJECT_COLUMNS[:-1]): row["imported_at"] for row in old}
        now = datetime.now(UTC)
        for reject in bad:
            values = _reject_values(reject)
            if (reject.column, reject.raw) not in known:
                kept.append(dict(zip(REJECT_COLUMNS, (*values, same.get(values, now)), strict=True)))
        if kept == old:
            return base.rejects
        if not kept:
            return ""
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(kept), work / "rejects.parquet", compression="zstd")
        return self._store.generations.adopt(work / "rejects.parquet", "rejects")

    def _window_days(self, base: Generation) -> Iterator[date]:
        if self._window is None:
            return
        first, last = utc(self._window[0]).date(), utc(self._window[1]).date()
        yield from (day for day in base.days if first <= day <= last)


def _batches(sizes: dict[date, int]) -> Iterator[list[date]]:
    batch: list[date] = []
    rows = 0
    for day, size in sizes.items():
        if batch and rows + size > BATCH_ROWS:
            yield batch
            batch, rows = [], 0
        batch.append(day)
        rows += size
    if batch:
        yield batch


def _rows(part: str) -> int:
    return int(pyarrow.parquet.read_metadata(part).num_rows)


def _reject_values(reject: Reject) -> tuple[str, int, str, str, str]:
    return reject.file, reject.line, reject.column, reject.reason, reject.raw


def _left_out(file: Staged) -> FileResult:
    reason = file.error or (
        f"{file.path.name}: Nothing of it was taken, because another file of the same export could not be read."
    )
    return FileResult(str(file.path), rejected=file.rejected, error=reason)


def _stopped(paths: list[Path]) -> list[FileResult]:
    return [FileResult(str(p), error=f"{p.name}: The import was stopped; nothing of it was stored.") for p in paths]


def _silent(_what: str, _share: float) -> None:
    """Tell nobody."""


def _go_on() -> bool:
    return False
