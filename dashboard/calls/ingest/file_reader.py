"""
Reader of export files: writes staged Parquet by day, with calls as the store has them, not yet compared with the store.

A valid file in the documented format is read in one pass with times and numbers parsed directly, day by day if the file
is ordered by time. A file in another format is read as text and then interpreted. A file with faults is read again the
slow way (``lenient_csv``), which names the line of every bad row and keeps every good one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Semaphore
from typing import Any

import duckdb
import pyarrow

from dashboard.calls.ingest.columnar import Columns, Customers, NoCallError
from dashboard.calls.ingest.columns import FAULTS, KNOWN, READ_AS
from dashboard.calls.ingest.containment import contained, of_engine
from dashboard.calls.ingest.day_parts import DayFacts, DayParts
from dashboard.calls.ingest.day_slices import Days, Stretch, days_of, groups
from dashboard.calls.ingest.day_writer import DayWriter
from dashboard.calls.ingest.files import Prepared, as_utf8, prepare
from dashboard.calls.ingest.lenient_csv import LONGEST_LINE, RAW_CHARS, Reject, raw_rows, rewrite
from dashboard.calls.ingest.prepared_stage import NUMBERED, PLACE, STAGED, PreparedStages
from dashboard.calls.ingest.progress import FileProgress
from dashboard.calls.ingest.staged import Staged, rows_in
from dashboard.calls.store.engine import PARQUET, Engine, sql, utc
from dashboard.calls.store.own_numbers import EVERY_NUMBER, OwnNumbers
from dashboard.core import clocks
from dashboard.core.errors import FileError, StoreError
from dashboard.core.text import counted

AT_ONCE = 2
"""Files that DuckDB reads at the same time, and days that are read at the same time as columns."""
LARGE = 32 * 2**20
"""Bytes from which one file keeps DuckDB busy on every core; smaller files are read two at a time."""
SMALL = 2**20
"""Bytes below which planning a statement takes longer than reading the file."""
MOST_KEPT = 10_000
"""Maximum bad rows of a file kept aside with their text; in another kind of file every row is bad."""
FAULTY = "day=__HIVE_DEFAULT_PARTITION__"
"""Partition that DuckDB writes rows without a day to."""
OTHER_FORM = (ValueError, TypeError, LookupError, ArithmeticError, pyarrow.ArrowException)
"""Errors that show a file is in another format when it is read as columns; DuckDB then reads the file."""
LONGEST_NUMBERED = 2_000_000
"""Maximum bytes of a line of a numbered file: a row of ``LONGEST_LINE`` characters, all quoted."""
NEW_LINE = r"new_line = '\n',"
"""Line end of a numbered file; DuckDB does not detect it if a value contains another line end."""
TEXT = "VARCHAR"
READ = "read an export"


@dataclass(frozen=True)
class Shared:
    """Resources shared by the files of one import."""

    pool: Executor
    """Executor for days read as columns."""
    turn: Semaphore = field(default_factory=Semaphore)
    """Held while DuckDB reads a large file: it uses every core, and two files at once are slower."""
    engines: Semaphore = field(default_factory=lambda: Semaphore(AT_ONCE))
    """Held while DuckDB reads a file, acquired after ``turn``."""
    customers: Customers = field(default_factory=dict)
    """Addresses parsed so far."""
    safe: DayWriter = field(default_factory=DayWriter)
    """Writer of the days that were in memory as columns."""
    prepared: PreparedStages = field(default_factory=PreparedStages)
    """Prepared statements for small files."""
    own: OwnNumbers = EVERY_NUMBER
    """Caller IDs that the roll-up keeps in its key."""


@dataclass(frozen=True)
class _Source:
    """Plain text file, and the queries that read it."""

    path: Path
    columns: Sequence[str]
    typed: bool = False
    """DuckDB parses times and numbers."""
    numbered: bool = False
    """The file has no header, and the line number is its first column."""

    @property
    def is_small(self) -> bool:
        """Whether the prepared statement interprets the file, because planning would take longer than reading."""
        return self.path.stat().st_size < SMALL

    @property
    def values(self) -> dict[str, Any]:
        """Parameters of the queries."""
        kinds = {name: READ_AS.get(name, TEXT) if self.typed else TEXT for name in self.columns}
        return {
            "path": str(self.path),
            "columns": ({"line": TEXT} if self.numbered else {}) | kinds,
            "header": not self.numbered,
            "longest": LONGEST_NUMBERED if self.numbered else LONGEST_LINE,
            "now": utc(clocks.now()),
        }

    @property
    def lines(self) -> str:
        """Query for the rows as text, or as typed values."""
        line = "line" if self.numbered else "'0' AS line"
        documented = ", ".join((line, *self._documented()))
        text = sql("export_lines").replace("{{documented}}", documented)
        return text.replace("{{new_line}}", NEW_LINE if self.numbered else "")

    @property
    def query(self) -> str:
        """Query for the interpreted rows; those of a numbered file have the columns ``line`` and ``fault``."""
        text = sql("stage").replace("{{lines}}", self.lines)
        extra_columns, line_column = (NUMBERED, PLACE) if self.numbered else ("", "0::INTEGER")
        return text.replace("{{also}}", extra_columns).replace("{{place}}", line_column)

    def columns_of(self, staged: str) -> str:
        """Return a query for the same columns of rows that were interpreted before."""
        return f"SELECT * {'' if self.numbered else 'EXCLUDE (line, fault) '}FROM {staged}"

    def _documented(self) -> Iterator[str]:
        """Yield every known column; one missing in the file is a NULL of the type that ``sql/stage.sql`` expects."""
        for name in sorted(KNOWN):
            absent = READ_AS.get(name, TEXT) if self.typed else TEXT
            yield name if name in self.columns else f"NULL::{absent} AS {name}"


def stage(path: Path, work: Path, engine: Engine, *, whole: bool, watch: FileProgress, shared: Shared) -> Staged:
    """
    Read one export file.

    Args:
        path: The file.
        work: Folder for this file only; created here.
        engine: The SQL engine.
        whole: Accept only a complete file, because it replaces calls in the store.
        watch: Progress of this file.
        shared: Resources shared with other files.

    Returns:
        The staging result; ``error`` gives the reason if nothing, or not everything, was staged.

    Raises:
        StoreError: Disk space or memory ran out, or the import was interrupted.
    """
    work.mkdir(parents=True)
    try:
        with contained(path):
            return _Reader(path, work, engine, watch, shared).read(whole=whole)
    except FileError as exc:
        return Staged(path, error=str(exc), usable=False)
    finally:
        for copy in work.glob("*.csv"):
            copy.unlink()


class _Reader:
    """Reader of one file."""

    def __init__(self, path: Path, work: Path, engine: Engine, watch: FileProgress, shared: Shared) -> None:
        self._staged = Staged(path)
        self._shared = shared
        self._work = work
        self._engine = engine
        self._watch = watch
        self._sure = False
        """A row is known to have a fault, whatever the format."""

    def read(self, *, whole: bool) -> Staged:
        staged = self._staged
        prepared = prepare(staged.path, self._work)
        if prepared.cut and whole:
            raise FileError("The gzip data ends early; nothing of it was taken. Download it again.", file=prepared.name)
        if not self._by_day(prepared):
            large = prepared.path.stat().st_size >= LARGE
            with self._shared.turn if large else nullcontext(), self._shared.engines:
                self._go_through(prepared)
        if prepared.cut:
            staged.rejects += _cut_row(prepared)
            staged.rejected += bool(prepared.cut_text)
            staged.error = (
                f"{prepared.name}: The gzip data ends early. What is before the cut was taken: "
                f"{counted(staged.rows, 'call')}. Download the file again and import it: nothing is counted twice."
            )
        elif staged.rejected > MOST_KEPT and not whole:
            staged.error = (
                f"{prepared.name}: {staged.rejected:,} rows are not calls; the first {MOST_KEPT:,} were put aside. "
                "Is this another kind of file?"
            )
        return staged

    def _go_through(self, prepared: Prepared) -> None:
        """Try the fast readers first, unless a row is known to have a fault."""
        if not self._sure and self._quick(prepared, typed=True):
            return
        if (decoded := as_utf8(prepared, self._work)) is not None:
            if not self._by_day(decoded):
                self._go_through(decoded)
        elif self._sure or not self._quick(prepared, typed=False):
            self._slow(prepared)

    def _by_day(self, prepared: Prepared) -> bool:
        """Read a file in the documented format day by day; return False if it is not ordered by time or has a fault."""
        if not prepared.is_regular:
            return False
        folder = self._work / "days"
        columns = Columns(prepared.columns, self._engine, self._shared.customers)
        with days_of(prepared) as days:
            batches = groups(days.stretches())
            if not batches:
                return False
            self._watch.begin(len(batches))
            folder.mkdir()
            work = [self._shared.pool.submit(self._some_days, columns, days, batch, folder) for batch in batches]
            try:
                for future in work:
                    self._shared.safe.keep(self._staged, future.result(), folder, self._work)
            except (*OTHER_FORM, StoreError) as exc:
                if isinstance(exc, StoreError) and not of_engine(exc):
                    _end(work)
                    raise
                self._sure = isinstance(exc, NoCallError)
                _end(work)
                shutil.rmtree(folder)
                self._shared.safe.forget(self._staged)
                return False
            except BaseException:
                _end(work)
                raise
        for day, facts in sorted(self._staged.facts.items()):
            self._staged.days[day] = [str(folder / f"day={day}" / "calls.parquet")]
            self._staged.rows += facts.rows
        return True

    def _some_days(self, columns: Columns, days: Days, group: Sequence[Stretch], folder: Path) -> dict[date, DayFacts]:
        parts = DayParts([stretch.day for stretch in group], folder, self._work, self._shared.own)
        with self._watch.piece() as on_progress:
            for lines in days.pieces(group, on_progress):
                parts.add(columns.rows(lines))
            return parts.finish()

    def _quick(self, prepared: Prepared, *, typed: bool) -> bool:
        """Read the file in one pass; return False if it has a fault or is not in the format tried."""
        if not prepared.is_regular:
            return False
        folder = self._work / ("typed" if typed else "text")
        self._watch.begin(1)
        try:
            with self._staged_rows(_Source(prepared.path, prepared.columns, typed=typed)) as (cursor, rows, values):
                cursor.execute(_by_day(rows), values | {"target": str(folder)})
        except StoreError as exc:
            if not of_engine(exc):
                raise
            shutil.rmtree(folder, ignore_errors=True)
            return False
        if (folder / FAULTY).exists() or ("cdr_id" in prepared.columns and self._corrects_itself(folder)):
            shutil.rmtree(folder)
            return False
        self._collect(folder)
        return True

    def _corrects_itself(self, folder: Path) -> bool:
        """
        Return whether rows of the file with one ID differ: their order then matters, and lines must be numbered.

        DuckDB writes the rows of a file that is not ordered by time in arbitrary order.
        """
        parts = [str(part) for part in folder.glob("day=*/*.parquet")]
        repeated_ids = self._engine.fetch("ids_again", {"calls": parts}, operation="look for corrections in an export")
        return bool(len(repeated_ids))

    def _slow(self, prepared: Prepared) -> None:
        staged = self._staged
        numbered = self._work / "numbered.csv"
        self._watch.begin(1)
        broken, staged.rejected = rewrite(prepared, numbered, MOST_KEPT)
        with self._staged_rows(_Source(numbered, prepared.columns, numbered=True)) as (cursor, rows, values):
            sound, faulty = (sql(name).replace("{{judged}}", rows) for name in ("sound_rows", "faulty_rows"))
            cursor.execute(_by_day(sound), values | {"target": str(self._work / "slow")})
            faults = cursor.execute(faulty, values | {"limit": MOST_KEPT}).fetchall()
        bad_calls = self._faulty(faults, prepared)
        staged.rejected += faults[0][2] if faults else 0
        staged.rejects = sorted([*broken, *bad_calls], key=lambda reject: reject.line)[:MOST_KEPT]
        self._collect(self._work / "slow")

    @contextmanager
    def _staged_rows(self, source: _Source) -> Iterator[tuple[duckdb.DuckDBPyConnection, str, dict[str, Any]]]:
        """Yield a cursor, a query for the interpreted rows, and the query's parameters."""
        if source.is_small:
            with self._engine.cursor(READ) as cursor:
                lines = cursor.sql(source.lines, params=source.values).to_arrow_table()
            with (
                self._shared.prepared.lend(self._engine, READ, typed=source.typed) as stage,
                self._watch.running(stage.cursor),
            ):
                stage.run(lines)
                yield stage.cursor, source.columns_of(STAGED), {}
            return
        with self._engine.cursor(READ) as cursor:
            if source.typed:
                cursor.execute(sql("macros_typed"))
            with self._watch.running(cursor):
                yield cursor, source.query, source.values

    def _collect(self, folder: Path) -> None:
        for day in sorted(folder.glob("day=*")):
            parts = [str(part) for part in sorted(day.iterdir(), key=lambda part: (len(part.name), part.name))]
            self._staged.days[date.fromisoformat(day.name.removeprefix("day="))] = parts
            self._staged.rows += sum(map(rows_in, parts))

    def _faulty(self, faults: list[tuple[int, str, int]], prepared: Prepared) -> list[Reject]:
        """Return the first rows that cannot be calls, with their text in the file."""
        raw = raw_rows(prepared, {line for line, *_ in faults})
        return [
            Reject(prepared.name, line, fault, f"The value {FAULTS[fault]}.", raw[line]) for line, fault, _ in faults
        ]


def _end(work: Sequence[Future[dict[date, DayFacts]]]) -> None:
    """Cancel pending work, and wait for running work."""
    for future in work:
        future.cancel()
    wait(work)


def _by_day(query: str) -> str:
    return f"COPY ({query}) TO $target ({PARQUET}, PARTITION_BY (day))"


def _cut_row(prepared: Prepared) -> list[Reject]:
    if not prepared.cut_text:
        return []
    with prepared.path.open("rb") as file:
        lines = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    return [Reject(prepared.name, lines + 1, "", "The file is cut off in this row.", prepared.cut_text[:RAW_CHARS])]
