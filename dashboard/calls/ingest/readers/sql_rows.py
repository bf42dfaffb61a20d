"""Rows of a plain text file, interpreted and staged by DuckDB: common part of three readers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from dashboard.calls.ingest.columns import KNOWN, READ_AS
from dashboard.calls.ingest.containment import of_engine
from dashboard.calls.ingest.lenient_csv import LONGEST_LINE
from dashboard.calls.ingest.misfits import Misfit, MisfitError
from dashboard.calls.ingest.prepared_stage import NUMBERED, PLACE, STAGED
from dashboard.calls.ingest.readers.interface import FileReading
from dashboard.calls.ingest.staged import rows_in
from dashboard.calls.store.engine import PARQUET, sql, utc
from dashboard.core import clocks
from dashboard.core.errors import StoreError

LARGE = 32 * 2**20
"""Bytes from which one file keeps DuckDB busy on every core; smaller files are read two at a time."""
SMALL = 2**20
"""Bytes below which planning a statement takes longer than reading the file."""
FAULTY_PARTITION = "day=__HIVE_DEFAULT_PARTITION__"
"""Partition that DuckDB writes rows without a day to."""
LONGEST_NUMBERED = 2_000_000
"""Maximum bytes of a line of a numbered file: a row of ``LONGEST_LINE`` characters, all quoted."""
NEW_LINE = r"new_line = '\n',"
"""Line end of a numbered file; DuckDB does not detect it if a value contains another line end."""
TEXT = "VARCHAR"
OPERATION = "read an export"


@dataclass(frozen=True)
class RowSource:
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


def stage_unnumbered(file: FileReading, *, typed: bool) -> None:
    """
    Stage the calls of a file in one pass without line numbers.

    Args:
        file: The file.
        typed: DuckDB parses times and numbers.

    Raises:
        MisfitError: A row has a fault, or rows with one ID differ: lines must be numbered.
        StoreError: DuckDB rejected the data (``of_engine``), or could not work; nothing is staged.
    """
    folder = file.work / ("typed" if typed else "text")
    with turn(file):
        file.watch.begin(1)
        try:
            source = RowSource(file.prepared.path, file.prepared.columns, typed=typed)
            with staged_rows(file, source) as (cursor, rows, values):
                cursor.execute(copy_by_day(rows), values | {"target": str(folder)})
        except StoreError as exc:
            if of_engine(exc):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        if (folder / FAULTY_PARTITION).exists() or (
            "cdr_id" in file.prepared.columns and _has_corrections(file, folder)
        ):
            shutil.rmtree(folder, ignore_errors=True)
            raise MisfitError(Misfit.FAULT)
    collect(file, folder)


@contextmanager
def turn(file: FileReading) -> Iterator[None]:
    """Wait until DuckDB is free for the file."""
    large = file.prepared.path.stat().st_size >= LARGE
    with file.shared.turn if large else nullcontext(), file.shared.engines:
        yield


@contextmanager
def staged_rows(
    file: FileReading, source: RowSource
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str, dict[str, Any]]]:
    """Yield a cursor, a query for the interpreted rows, and the query's parameters."""
    if source.is_small:
        with file.engine.cursor(OPERATION, macros=True) as cursor:
            lines = cursor.sql(source.lines, params=source.values).to_arrow_table()
        with (
            file.shared.prepared.lend(file.engine, OPERATION, typed=source.typed) as stage,
            file.watch.running(stage.cursor),
        ):
            stage.run(lines)
            yield stage.cursor, source.columns_of(STAGED), {}
        return
    with file.engine.cursor(OPERATION, macros=True) as cursor:
        if source.typed:
            cursor.execute(sql("macros_typed"))
        with file.watch.running(cursor):
            yield cursor, source.query, source.values


def copy_by_day(query: str) -> str:
    """Return the statement that writes the rows of a query to one folder per day in ``$target``."""
    return f"COPY ({query}) TO $target ({PARQUET}, PARTITION_BY (day))"


def collect(file: FileReading, folder: Path) -> None:
    """Add the days in a folder to the result."""
    for day in sorted(folder.glob("day=*")):
        parts = [str(part) for part in sorted(day.iterdir(), key=lambda part: (len(part.name), part.name))]
        file.staged.days[date.fromisoformat(day.name.removeprefix("day="))] = parts
        file.staged.rows += sum(map(rows_in, parts))


def _has_corrections(file: FileReading, folder: Path) -> bool:
    """
    Return whether rows of the file with one ID differ: their order then matters, and lines must be numbered.

    DuckDB writes the rows of a file that is not ordered by time in arbitrary order.
    """
    parts = [str(part) for part in folder.glob("day=*/*.parquet")]
    repeated_ids = file.engine.fetch("ids_again", {"calls": parts}, operation="look for corrections in an export")
    return bool(len(repeated_ids))
