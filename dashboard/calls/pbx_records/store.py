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
from dashboard.calls.pbx_records.record_source import Origin
from dashboard.calls.store.engine import utc
from dashboard.calls.store.generations import Day, Generation, Generations
from dashboard.calls.store.queries import LOCK_WAIT_S, asked_again
from dashboard.calls.store.rejects import Rejects, frame_of
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import FileError

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
            asked = {"attempts": self._parts(generation), "since": utc(since)}
            return self.engine.fetch("pbx_attempts", asked, what="read the records of PBXs")

        return asked_again(self.generations, fetch)

    def rejects(self) -> pd.DataFrame:
        """Return the rejected lines, in the form of ``CallStore.rejects``."""
        return frame_of(asked_again(self.generations, self._bad_rows.of))

    def import_files(
        self, paths: Sequence[Path], origin: Origin, *, progress: Callable[[str, float], None] | None = None
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
        tell = progress or _silent
        with self.generations.writing() as work:
            base = self.generations.current()
            reads: list[Read | FileError] = []
            for place, path in enumerate(paths):
                try:
                    with contained(path):
                        reads.append(read(path, origin, _part(tell, place, len(paths))))
                except FileError as exc:
                    reads.append(exc)
            known, days = self._merged(base, reads, work)
            tell("Storing", READING)
            used = [one for one in reads if isinstance(one, Read)]
            bad = [reject for one in used for reject in one.rejects]
            names = sorted({one.file for one in used})
            rejects = self._bad_rows.keep(base, self._bad_rows.of(base), bad, names, work)
            made = replace(base, number=base.number + 1, days=days, rejects=rejects)
            if (made.days, made.rejects) != (base.days, base.rejects):
                self.generations.publish(made, base)
            tell("Done", 1.0)
        return [
            _result(path, one, known.get(place, 0)) for place, (path, one) in enumerate(zip(paths, reads, strict=True))
        ]

    def _merged(
        self, base: Generation, reads: Sequence[Read | FileError], work: Path
    ) -> tuple[dict[int, int], dict[date, Day]]:
        """Return per file the number of records already stored or repeated, and the days after the import."""
        incoming = [
            table.append_column("file", pyarrow.array([place] * len(table), pyarrow.int64()))
            for place, one in enumerate(reads)
            if isinstance(one, Read)
            for table in one.rows
        ]
        if not incoming:
            return {}, base.days
        came = pyarrow.concat_tables(incoming)
        what = "keep the records of a PBX"
        attempts = {"attempts": self._parts(base)}
        staged = self.engine.fetch("pbx_once", {}, what=what, given={"incoming": came})
        found = self.engine.fetch("pbx_known", attempts, what=what, given={"staged": staged}).to_pylist()
        fresh = {row["file"]: row["records"] - row["known"] for row in found}
        counts = dict(zip(*(one.to_pylist() for one in came["file"].value_counts().flatten()), strict=True))
        known = {file: number - fresh.get(file, 0) for file, number in counts.items()}
        if not any(fresh.values()):
            return known, base.days
        touched = {day for row in found for day in row["days"] or ()}
        touched |= set(pc.unique(staged["started_at"].cast(pyarrow.date32())).to_pylist())
        days = dict(base.days)
        for day in sorted(touched):
            parts = {"attempts": self._parts(base, day), "day": day}
            rows = self.engine.fetch("pbx_day", parts, what=what, given={"staged": staged})
            days.pop(day, None)
            if len(rows):
                days[day] = self._written(rows, day, work)
        return known, days

    def _written(self, rows: pyarrow.Table, day: date, work: Path) -> Day:
        made = work / "attempts.parquet"
        pyarrow.parquet.write_table(rows, made, compression="zstd")
        name = self.generations.adopt(made, f"{day}-attempts")
        ends = pc.min_max(rows["started_at"]).as_py()
        return Day(calls=(name,), traffic=(), load=(), rows=len(rows), first_at=ends["min"], last_at=ends["max"])

    def _parts(self, generation: Generation, day: date | None = None) -> list[str]:
        days = [one for at, one in generation.days.items() if day in (None, at)]
        return [str(self.generations.path(name)) for one in days for name in one.calls]


def _result(path: Path, one: Read | FileError, known: int) -> PbxFileResult:
    if isinstance(one, FileError):
        return PbxFileResult(str(path), error=str(one))
    kept = sum(map(len, one.rows)) - known
    return PbxFileResult(str(path), kept, known, one.left_out, one.rejected, tuple(one.rejects[:20]))


def _part(tell: Callable[[str, float], None], place: int, files: int) -> Callable[[str, float], None]:
    return lambda what, share: tell(what, READING * (place + min(share, 1.0)) / files)


def _silent(_what: str, _share: float) -> None:
    """Ignore progress."""
