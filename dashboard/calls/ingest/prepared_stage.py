"""
Interpretation of small export files by one prepared statement.

DuckDB plans ``sql/stage.sql`` for about 50 ms, whatever the size of the file; a small file is then read in a few
milliseconds. A prepared statement is planned once and run for every file. DuckDB plans it again at each run if it reads
a table or a file, or calls ``now()``; it therefore reads an Arrow stream, which carries the time as a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Self

import duckdb
import pyarrow

from dashboard.calls.ingest.columns import KNOWN, READ_AS
from dashboard.calls.store.engine import Engine, reported, sql

ARROW = {
    "TIMESTAMP": pyarrow.timestamp("us"),
    "DECIMAL(18,9)": pyarrow.decimal128(18, 9),
    "DECIMAL(18,8)": pyarrow.decimal128(18, 8),
}
"""Arrow types of the values that DuckDB parses itself; see ``READ_AS``."""
NUMBERED = "line::BIGINT AS line, fault,"
"""Columns of ``sql/stage.sql`` that only rows with a line number have."""
PLACE = "CASE WHEN id <> '' THEN line::INTEGER ELSE 0 END"
"""Position of a row in a numbered file; see ``sql/stage.sql``."""
STAGED = "staged_rows"
"""Name under which a cursor sees the interpreted rows."""
_LINES = "small_file_lines"


class _ArrowSource:
    """Registered once per cursor; each scan reads the current table."""

    def __init__(self, table: pyarrow.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class PreparedStage:
    """The statement prepared on one cursor. Use it in one thread at a time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, *, typed: bool) -> None:
        """Register the sources and prepare the statement for rows as text, or as typed values."""
        self.cursor = cursor
        self._schema = schema_of_lines(typed=typed)
        self._lines = _ArrowSource(self._schema.empty_table())
        self._staged: _ArrowSource | None = None
        text = sql("stage").replace("{{lines}}", f"FROM {_LINES}")
        if typed:
            cursor.execute(sql("macros_typed"))
        cursor.register(_LINES, self._lines)
        cursor.execute(f"PREPARE stage AS {text.replace('{{also}}', NUMBERED).replace('{{place}}', PLACE)}")

    def run(self, lines: pyarrow.Table) -> None:
        """
        Interpret rows; afterwards the cursor sees them as ``STAGED``, with the columns ``line`` and ``fault``.

        Args:
            lines: Columns as in ``schema_of_lines``.

        Raises:
            duckdb.Error: DuckDB failed.
        """
        self._lines.table = lines.cast(self._schema)
        staged = self.cursor.sql("EXECUTE stage").to_arrow_table()
        if self._staged is None:
            self._staged = _ArrowSource(staged)
            self.cursor.register(STAGED, self._staged)
        self._staged.table = staged


class PreparedStages:
    """Prepared statements of one import, each lent to one thread at a time. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._free: dict[bool, list[PreparedStage]] = {True: [], False: []}
        self._cursors = ExitStack()

    @contextmanager
    def lend(self, engine: Engine, operation: str, *, typed: bool) -> Iterator[PreparedStage]:
        """
        Lend a prepared statement.

        Args:
            engine: The SQL engine.
            operation: Description of the operation, for the error message.
            typed: Whether the rows hold times and numbers as such, or as text.

        Raises:
            StoreError: DuckDB failed.
        """
        free = self._free[typed]
        with self._lock:
            stage = free.pop() if free else None
        with reported(operation):
            if stage is None:
                with self._lock:
                    cursor = self._cursors.enter_context(engine.cursor(operation, macros=True))
                stage = PreparedStage(cursor, typed=typed)
            try:
                yield stage
            finally:
                with self._lock:
                    free.append(stage)

    def close(self) -> None:
        """Close every cursor."""
        for free in self._free.values():
            free.clear()
        self._cursors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def schema_of_lines(*, typed: bool) -> pyarrow.Schema:
    """Return the columns to interpret: line number, documented columns, and the time of reading in UTC."""
    kinds = {name: ARROW[READ_AS[name]] if typed and name in READ_AS else pyarrow.string() for name in sorted(KNOWN)}
    return pyarrow.schema({"line": pyarrow.string(), **kinds, "read_at": pyarrow.timestamp("us")})
