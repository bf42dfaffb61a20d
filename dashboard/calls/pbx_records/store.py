"""
Store of PBX records, beside the carrier's calls and published in the same way.

    HOME/calls/pbx_side/    generations of their own: one Parquet file per day (UTC), with every PBX in it

Records are deduplicated by ``record_key``: a second import adds nothing, and an import with another zone corrects
times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet

from dashboard.calls.ingest.containment import contained
from dashboard.calls.ingest.lenient_csv import Reject
from dashboard.calls.pbx_records.reader import Read, read
from dashboard.calls.pbx_records.record_source import RecordOrigin
from dashboard.calls.store.engine import utc
from dashboard.calls.store.generations import Day, Generation, Generations
from dashboard.calls.store.queries import LOCK_WAIT_S, asked_again
from dashboard.calls.store.rejects import Rejects, frame_of
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import FileError
from dashboard.core.progress import no_progress

READING = 0.8
"""Share of an import's progress spent reading files."""


@dataclass(frozen=True)
class PbxFileResult:
    """Import result of one PBX file."""

    file: str
    kept: int = 0
    """Records that the store did not have, or had with other content."""
    duplicate: int = 0
    left_out: int = 0
    """Calls that did not go to the carrier: internal or inbound ones, and those of other trunks."""
    rejected: int = 0
    """Rejected lines; see ``PbxRecords.rejects``."""
    rejects: tuple[Reject, ...] = ()
    """The first rejected lines."""
    error: str = ""


class PbxRecords:
    """PBXs' own records of their calls to the carrier."""

    def __init__(self, store: CallStore, *, lock_wait_s: float = LOCK_WAIT_S) -> None:
        """
        Open the store; nothing is created on disk before the first import.

        Args:
            store: The carrier's calls; the records are stored beside them.
            lock_wait_s: Seconds that a writer waits for another one.
        """
        self.engine = store.engine
        self.generations = Generations(store.generations.folder / "pbx_side", lock_wait_s=lock_wait_s)
        folder = self.generations.folder
        cure = f"Restore it from a backup, or remove the folder {folder} and import the files of the PBXs again."
        self._bad_rows = Rejects(self.engine, self.generations, cure)

    @property
    def digest(self) -> str:
        """Name of the published generation; ``""`` if nothing was ever published."""
        return self.generations.current_name()

    def rows(self, since: datetime) -> pyarrow.Table:
        """Return the records of calls that start at ``since`` or later, by PBX and number; times in seconds."""

        def fetch(generation: Generation) -> pyarrow.Table:
            parameters = {"attempts": self._parts(generation), "since": utc(since)}
            return self.engine.fetch("pbx_attempts", parameters, operation="read the records of PBXs")

        return asked_again(self.generations, fetch)

    def rejects(self) -> pd.DataFrame:
        """Return the rejected lines, in the form of ``CallStore.rejects``."""
        return frame_of(asked_again(self.generations, self._bad_rows.of))

    def import_files(
        self, paths: Sequence[Path], origin: RecordOrigin, *, progress: Callable[[str, float], None] | None = None
    ) -> list[PbxFileResult]:
        """
        Import files of a PBX.

        Args:
            paths: The files.
            origin: Source of the records.
            progress: Called with the current activity and the share done, 0 to 1.

        Returns:
            A result for each file, in order. A file that cannot be used has ``error``; the others are imported all the
            same.

        Raises:
            BusyError: Another process is importing.
            StoreError: The disk or a part of the store on it cannot be used; the store is unchanged.
        """
        on_progress = progress or no_progress
        with self.generations.writing() as work:
            base = self.generations.current()
            reads: list[Read | FileError] = []
            for number, path in enumerate(paths):
                try:
                    with contained(path, may_grow=True):  # a PBX appends to its records
                        reads.append(read(path, origin, _part(on_progress, number, len(paths))))
                except FileError as exc:
                    reads.append(exc)
            duplicates, days = self._merged(base, reads, work)
            on_progress("Storing", READING)
            used = [result for result in reads if isinstance(result, Read)]
            bad = [reject for result in used for reject in result.rejects]
            names = sorted({result.file for result in used})
            rejects = self._bad_rows.keep(base, self._bad_rows.of(base), bad, names, work)
            generation = replace(base, number=base.number + 1, days=days, rejects=rejects)
            if (generation.days, generation.rejects) != (base.days, base.rejects):
                self.generations.publish(generation, base)
            on_progress("Done", 1.0)
        return [
            _result(path, result, duplicates.get(number, 0))
            for number, (path, result) in enumerate(zip(paths, reads, strict=True))
        ]

    def _merged(
        self, base: Generation, reads: Sequence[Read | FileError], work: Path
    ) -> tuple[dict[int, int], dict[date, Day]]:
        """Return per file the number of records already stored or repeated, and the days after the import."""
        incoming = [
            table.append_column("file", pyarrow.array([number] * len(table), pyarrow.int64()))
            for number, column in enumerate(reads)
            if isinstance(column, Read)
            for table in column.rows
        ]
        if not incoming:
            return {}, base.days
        records = pyarrow.concat_tables(incoming)
        operation = "keep the records of a PBX"
        attempts = {"attempts": self._parts(base)}
        staged = self.engine.fetch("pbx_once", {}, operation=operation, tables={"incoming": records})
        new_counts = self.engine.fetch(
            "pbx_known", attempts, operation=operation, tables={"staged": staged}
        ).to_pylist()
        fresh = {row["file"]: row["records"] - row["known"] for row in new_counts}
        counts = dict(zip(*(column.to_pylist() for column in records["file"].value_counts().flatten()), strict=True))
        duplicates = {file: number - fresh.get(file, 0) for file, number in counts.items()}
        if not any(fresh.values()):
            return duplicates, base.days
        touched = {day for row in new_counts for day in row["days"] or ()}
        touched |= set(pc.unique(staged["started_at"].cast(pyarrow.date32())).to_pylist())
        days = dict(base.days)
        for day in sorted(touched):
            parts = {"attempts": self._parts(base, day), "day": day}
            rows = self.engine.fetch("pbx_day", parts, operation=operation, tables={"staged": staged})
            days.pop(day, None)
            if len(rows):
                days[day] = self._write_day(rows, day, work)
        return duplicates, days

    def _write_day(self, rows: pyarrow.Table, day: date, work: Path) -> Day:
        path = work / "attempts.parquet"
        pyarrow.parquet.write_table(rows, path, compression="zstd")
        name = self.generations.adopt(path, f"{day}-attempts")
        ends = pc.min_max(rows["started_at"]).as_py()
        return Day(calls=(name,), traffic=(), load=(), rows=len(rows), first_at=ends["min"], last_at=ends["max"])

    def _parts(self, generation: Generation, day: date | None = None) -> list[str]:
        days = [content for at, content in generation.days.items() if day in (None, at)]
        return [str(self.generations.path(name)) for content in days for name in content.calls]


def _result(path: Path, result: Read | FileError, duplicates: int) -> PbxFileResult:
    if isinstance(result, FileError):
        return PbxFileResult(str(path), error=str(result))
    stored = sum(map(len, result.rows)) - duplicates
    return PbxFileResult(str(path), stored, duplicates, result.left_out, result.rejected, tuple(result.rejects[:20]))


def _part(on_progress: Callable[[str, float], None], number: int, files: int) -> Callable[[str, float], None]:
    return lambda activity, share: on_progress(activity, READING * (number + min(share, 1.0)) / files)
