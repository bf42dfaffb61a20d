"""
DuckDB engine: one in-memory database per store, one cursor per query, SQL from ``sql/``.

Values are bound as parameters, never formatted into SQL; placeholders (``{{outcome}}``) are replaced by expressions
built from this package's own constants. Times are UTC without a zone in SQL and UTC timestamps outside.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import pandas as pd
import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet

from dashboard import schemas
from dashboard.calls.ingest.columns import (
    ATTEMPTS,
    KEYS,
    PARTS,
    ROLLED_KEYS,
    ROLLED_SUMS,
    STORED,
    call_key_sql,
    content_sql,
    same_call_sql,
)
from dashboard.core.errors import DamagedFileError, StoreError
from dashboard.core.text import MARK, UNSAFE, visible
from dashboard.schemas.pandera_import import pa
from dashboard.sip import call_outcomes

SQL = Path(__file__).parent / "sql"
PARQUET = "FORMAT parquet, COMPRESSION snappy, WRITE_BLOOM_FILTER false"
"""Parquet options of parts: fast to write and read, though a fifth larger; searched columns differ in every row."""
OF_A_DAY = re.compile(
    r"(\d{4}-\d\d-\d\d)-(?:calls|file-only|traffic|file-only-traffic|load)-[0-9a-f]{16}\.parquet", re.ASCII
)
"""File name of a day's part."""
MEMORY_LIMIT = "1GB"
"""Keeps the serving process under this limit for any number of calls; data that does not fit spills to the work
folder."""

OF_DAMAGE = (
    duckdb.Error,
    duckdb.InvalidInputException,
    duckdb.SerializationException,
    duckdb.ConversionException,
)
"""DuckDB errors for an unreadable part; some of them have no specific class."""

OUR_NUMBER = (
    "CASE WHEN direction = 'inbound' THEN destination "
    "WHEN x_tag = '' AND ($every_number OR caller_id IN (SELECT number FROM own_numbers)) THEN caller_id ELSE '' END"
)
"""``number`` of the roll-up, as defined in ``schemas.TRAFFIC``; ``own_numbers.OwnNumbers`` has table and parameter."""

DONE_AT = (
    "CASE WHEN outcome = 'answered' THEN least(coalesce(ended_at, started_at + to_seconds(duration_s), started_at), "
    "date_trunc('day', started_at) + INTERVAL 2 DAY) ELSE started_at END"
)
"""End of the time a call is in progress: its start unless answered, and at most the end of the following day."""

_PIECES: Mapping[str, Callable[[], str]] = {
    "outcome": call_outcomes.outcome_sql,
    "number": lambda: OUR_NUMBER,
    "done_at": lambda: DONE_AT,
    "attempt_columns": lambda: ", ".join(ATTEMPTS),
    "columns": lambda: ", ".join(STORED),
    "incoming_columns": lambda: ", ".join(f"incoming.{name}" for name in STORED),
    "keys": lambda: ", ".join(KEYS),
    "call_key": call_key_sql,
    "rolled_keys": lambda: ", ".join(ROLLED_KEYS),
    "rolled_sums": lambda: ", ".join(ROLLED_SUMS),
    "row_hash": lambda: content_sql("judged"),
    "short_s": lambda: str(call_outcomes.SHORT_S),
    "content": lambda: content_sql("told"),
    "same_call": same_call_sql,
}


class Engine:
    """One in-memory database. Safe to share between threads; closed when no reference to it remains."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._lock = Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._has_macros = False

    @contextmanager
    def cursor(self, operation: str, *, macros: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """
        Open a cursor.

        Args:
            operation: Description of the operation, for the error message.
            macros: Whether statements of the cursor use ``sql/macros.sql``, which only imports need.

        Raises:
            StoreError: DuckDB failed; the message names a damaged or missing file.
        """
        with reported(operation):
            with self._lock:
                if self._connection is None:
                    self._connection = _connect(self._work)
                    weakref.finalize(self, self._connection.close)
                if macros and not self._has_macros:
                    self._connection.execute(sql("macros"))
                    self._has_macros = True
                cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    def fetch(
        self,
        name: str,
        parameters: Mapping[str, Any],
        *,
        operation: str,
        tables: Mapping[str, pyarrow.Table] | None = None,
        macros: bool = False,
    ) -> pyarrow.Table:
        """
        Run a query of ``sql/``.

        Args:
            name: File name without ``.sql``.
            parameters: Values by name; the paths of parts under the name of their kind.
            operation: Description of the operation, for the error message.
            tables: Tables available to the query, by name.
            macros: See ``cursor``.

        Raises:
            StoreError: See ``cursor``.
        """
        with self.cursor(operation, macros=macros) as cursor:
            for table, rows in (tables or {}).items():
                cursor.register(table, rows)
            text, bound = _bind(name, parameters)
            with _damage_named(parameters):
                return cursor.sql(text, params=bound).to_arrow_table()


@contextmanager
def _damage_named(parameters: Mapping[str, Any]) -> Iterator[None]:
    """Name the damaged part in an error of DuckDB that names none."""
    try:
        yield
    except duckdb.Error as exc:
        odd = type(exc) in OF_DAMAGE and ".parquet" not in str(exc)
        if odd and (part := _unreadable(parameters)):
            raise duckdb.InvalidInputException(f"The file {part} is damaged ({_first_line(exc)})") from exc
        raise


@contextmanager
def reported(operation: str) -> Iterator[None]:
    """
    Report an error of DuckDB as one of the store.

    Args:
        operation: Description of the operation, for the error message.

    Raises:
        DamagedFileError: A file of one day is damaged or missing; the message names it.
        StoreError: DuckDB failed for another reason.
    """
    try:
        yield
    except duckdb.Error as exc:
        kind = DamagedFileError if _is_of_a_day(exc) else StoreError
        raise kind(f"The call store could not {operation}: {_sentence(exc)}") from exc


def run(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    parameters: Mapping[str, Any],
    *,
    target: Path | None = None,
    by_day: str = "",
) -> duckdb.DuckDBPyConnection:
    """
    Run a statement of ``sql/`` on a cursor.

    Args:
        cursor: The cursor to run it on.
        name: File name without ``.sql``.
        parameters: As in ``Engine.fetch``.
        target: Write the rows to this Parquet file.
        by_day: Time column by which the rows are partitioned into one folder per day, in the folder ``target``.
    """
    text, bound = _bind(name, parameters)
    if by_day:
        text = f"SELECT *, {by_day}::DATE AS day FROM ({text})"  # noqa: S608 - both are this package's own
    if target is not None:
        text = f"COPY ({text}) TO $target ({PARQUET}{', PARTITION_BY (day)' if by_day else ''})"
        bound["target"] = str(target)
    with _damage_named(parameters):
        return cursor.execute(text, bound or None)


def _bind(name: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return SQL text and values; a kind without parts becomes a table without rows."""
    blank = frozenset(kind for kind in PARTS if kind in parameters and not parameters[kind])
    return sql(name, blank), {key: value for key, value in parameters.items() if key not in blank}


def _connect(work: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(work),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute("SET partitioned_write_flush_threshold = 20000")
    with suppress(duckdb.InvalidInputException):  # a notebook may lack what DuckDB needs for its bar
        connection.execute("SET enable_progress_bar_print = false")
        connection.execute("SET enable_progress_bar = true")
    return connection


@lru_cache
def sql(name: str, blank: frozenset[str] = frozenset()) -> str:
    """
    Return the text of ``sql/NAME.sql`` with this package's own expressions inserted.

    Args:
        name: File name without ``.sql``.
        blank: Kinds that have no parts.
    """
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    for kind, columns in PARTS.items():
        empty_columns = ", ".join(f"NULL::{dtype} AS {column}" for column, dtype in columns.items())
        options = ", filename = 'part', file_row_number = true" if "part" in columns else ""
        reader = f"read_parquet(${kind}, hive_partitioning = false{options})"
        parts = f"(SELECT {empty_columns} LIMIT 0)" if kind in blank else reader
        text = text.replace(f"{{{{{kind}}}}}", parts)
    for piece, build in _PIECES.items():
        if f"{{{{{piece}}}}}" in text:
            text = text.replace(f"{{{{{piece}}}}}", build())
    return text


def utc(moment: datetime) -> datetime:
    """Convert an aware time to the store's form: UTC without a zone."""
    at = moment.astimezone(UTC)
    return datetime(at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond)  # noqa: DTZ001 - see above


def to_frame(table: pyarrow.Table) -> pd.DataFrame:
    """Convert rows to a frame: times become UTC timestamps, money stays decimal, integers may be missing."""
    fields = [
        field.with_type(pyarrow.timestamp("us", tz="UTC")) if pyarrow.types.is_timestamp(field.type) else field
        for field in table.schema
    ]
    frame: pd.DataFrame = table.cast(pyarrow.schema(fields)).to_pandas(types_mapper=_dtype)
    return frame


def to_table(frame: pd.DataFrame) -> pyarrow.Table:
    """Convert a frame to rows for a query: times become UTC without a zone."""
    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    fields = [
        field.with_type(pyarrow.timestamp("us")) if pyarrow.types.is_timestamp(field.type) else field
        for field in table.schema
    ]
    return table.cast(pyarrow.schema(fields))


def _dtype(kind: pyarrow.DataType) -> Any:
    if pyarrow.types.is_decimal(kind):
        return pd.ArrowDtype(kind)
    return pd.Int64Dtype() if pyarrow.types.is_integer(kind) else None


def _unreadable(parameters: Mapping[str, Any]) -> str:
    """Return the first part that cannot be read to its end, because DuckDB does not name it."""
    for kind in PARTS.keys() & parameters.keys():
        for part in parameters[kind]:
            try:
                for _ in pyarrow.parquet.ParquetFile(part).iter_batches():
                    pass
            except (OSError, ValueError, pyarrow.ArrowException):
                return str(part)
    return ""


def _first_line(exc: Exception) -> str:
    return str(exc).strip().partition("\n")[0].rstrip(".")


def _is_full(said: str) -> bool:
    return "No space left" in said or "out of disk space" in said.lower()


def _is_of_a_day(exc: Exception) -> bool:
    """Return whether an error is about a damaged or missing file of one day."""
    said = _first_line(exc)
    damage = isinstance(exc, duckdb.IOException | duckdb.InvalidInputException) and not _is_full(said)
    return damage and OF_A_DAY.search(said) is not None


def _sentence(exc: Exception) -> str:
    message = _first_line(exc)
    if _is_full(message):
        return "there is no space left on the disk. What was stored before stands; free some space, then try again."
    if isinstance(exc, duckdb.IOException | duckdb.InvalidInputException) and ".parquet" in message:
        day = OF_A_DAY.search(message)
        remedy = f"run: trunkgate calls forget {day[1]}, and import that day" if day else "remove the folder and import"
        if day and ("-traffic-" in message or "-load-" in message):
            remedy = f"run: trunkgate calls repair {day[1]}, which counts that day's calls"
        if "-attempts-" in message:
            remedy = "remove the folder calls/pbx_side of the home and import the files of the PBXs"
        return f"{message}. Restore the file from a backup, or {remedy} again. All other days are as they were."
    return f"{message}."


def under(schema: pa.DataFrameSchema, table: pyarrow.Table) -> pd.DataFrame:
    """
    Convert stored rows to a frame that meets a schema.

    The rows were conformed on import, so values are not checked again: only columns and types.

    Args:
        schema: A schema of ``schemas``.
        table: Columns by name; optional text columns may be missing.

    Raises:
        TableError: A column is missing or invalid; the store is then corrupt.
    """
    frame = to_frame(table)
    kinds = schemas.empty(schema).dtypes
    result = frame.reindex(columns=kinds.index, fill_value="")
    absent = set(kinds.index) - set(frame.columns) - set((schema.metadata or {})["optional"])
    if absent or not (result.dtypes == kinds).all():
        return schemas.conform(frame, schema, source="the call store")
    return result


def sanitize_table(table: pyarrow.Table) -> pyarrow.Table:
    """
    Return a table whose texts are safe to display: files and callers may supply any character.

    Not for rows that are used to look up other rows, such as those of the roll-up: a caller whose X-Tag holds such a
    character would not be found.
    """
    for position, column in enumerate(table.columns):
        if (clean := _clean(column)) is not None:
            table = table.set_column(position, table.schema.field(position).with_type(clean.type), clean)
    return table


def _sanitize_text(value: object) -> str | None:
    """Return a list value without invisible characters; a missing value stays missing."""
    return None if value is None else visible(str(value))


def _clean(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray | pyarrow.Array | None:
    """Return a column without invisible characters; ``None`` if it has none."""
    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        return _clean(column.cast(kind.value_type))
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind):
        if _clean(pc.list_flatten(column)) is None:
            return None
        return pyarrow.array([cell and [_sanitize_text(text) for text in cell] for cell in column.to_pylist()], kind)
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)):
        return None
    if not pc.any(pc.match_substring_regex(column, UNSAFE.pattern)).as_py():
        return None
    return pc.replace_substring_regex(column, UNSAFE.pattern, MARK)
