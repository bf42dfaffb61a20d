"""Parquet parts of days whose calls are in memory as columns: calls are written as they arrive, roll-ups at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from dashboard.calls.ingest.columns import PARTS
from dashboard.calls.ingest.minute_load import SPAN_BYTES, Spans, spans_of
from dashboard.calls.ingest.rollup import combine, roll_up
from dashboard.calls.store.own_numbers import OwnNumbers
from dashboard.core.errors import StoreError

_STEADY = ("started_at", "ended_at")
_MANIFOLD = (*_STEADY, "destination", "row_hash")
PARQUET: dict[str, Any] = {
    "compression": "snappy",
    "store_decimal_as_integer": True,
    "store_schema": False,
    "use_dictionary": [name for name in PARTS["calls"] if name not in _MANIFOLD],
    "column_encoding": dict.fromkeys(_STEADY, "DELTA_BINARY_PACKED"),
    "write_statistics": ["started_at"],
}
"""Parquet options: times are delta-encoded, columns of few distinct values dictionary-encoded; for the calls of a day
only start times have min/max statistics."""


@dataclass(frozen=True)
class DayFacts:
    """Facts about a day whose calls were in memory; valid if the day has no other calls."""

    rows: int
    all_differ: bool
    """No call occurs twice. ``False`` also if unknown: DuckDB compares calls that have IDs."""
    has_ids: bool
    """At least one call has an ID."""
    first_at: str
    last_at: str
    """UTC without a zone, in ISO form."""
    rolled: str
    """Path of the roll-up file."""
    spans: str
    """Path of the ``minute_load.spans_of`` file."""
    sealed: tuple[str, str] = ("", "")
    """Names of the calls part and the roll-up part in the store."""
    load: str = ""
    """Path of the per-minute load file; valid only if the spans file of the previous day is ``after``."""
    after: str = ""

    def is_whole(self) -> bool:
        """
        Return whether the files are complete.

        Raises:
            OSError: A file is missing.
            ValueError: The roll-up cannot be read.
        """
        for path in filter(None, (self.rolled, self.load)):
            pyarrow.parquet.ParquetFile(path).read()
        return Path(self.spans).stat().st_size == self.rows * SPAN_BYTES

    def ends(self) -> tuple[datetime, datetime]:
        """Return the start times of the first and the last call, UTC without a zone."""
        return datetime.fromisoformat(self.first_at), datetime.fromisoformat(self.last_at)


@dataclass
class _Made:
    """A day being written."""

    writer: pyarrow.parquet.ParquetWriter
    keys: list[pyarrow.ChunkedArray] = field(default_factory=list)
    """``row_hash`` of the calls so far; null for a call with an ID."""
    times: list[pyarrow.ChunkedArray] = field(default_factory=list)
    spans: list[Spans] = field(default_factory=list)
    rolled: list[pyarrow.Table] = field(default_factory=list)


class DayParts:
    """Writer of consecutive days, one folder per day."""

    def __init__(self, days: Sequence[date], folder: Path, rollup_folder: Path, own_numbers: OwnNumbers) -> None:
        """
        Create the writer.

        Args:
            days: The only days accepted.
            folder: Folder of the calls, those of a day in ``day=DAY``.
            rollup_folder: Folder of the roll-ups and spans.
            own_numbers: Caller IDs that the roll-up keeps in its key.
        """
        self._own = own_numbers
        self._days = set(days)
        self._folder = folder
        self._beside = rollup_folder
        self._made: dict[date, _Made] = {}

    def add(self, calls: pyarrow.Table) -> None:
        """
        Write calls, each to its day.

        Args:
            calls: As returned by ``columnar.Columns.rows``, ordered by day.

        Raises:
            ValueError: The calls are not ordered by day, or belong to another day.
            StoreError: The disk rejects the write.
        """
        spans = spans_of(calls)
        at = 0
        for day, rows in self._by_day(calls, "started_at"):
            with writing(self._folder):
                output = self._of(day, calls.schema)
                output.writer.write_table(rows, row_group_size=len(rows))
            has_id = pyarrow.compute.not_equal(rows["id"], "")
            output.keys.append(
                pyarrow.compute.if_else(has_id, pyarrow.scalar(None, pyarrow.uint64()), rows["row_hash"])
            )
            output.times.append(rows["started_at"])
            output.spans.append(spans[:, at : at + len(rows)])
            at += len(rows)
        for day, rows in self._by_day(roll_up(calls, self._own), "hour_at"):
            self._made[day].rolled.append(rows)

    def finish(self) -> dict[date, DayFacts]:
        """
        Close the parts and write the roll-up of each day.

        Raises:
            StoreError: The disk rejects the write.
        """
        return {day: self._finished(day, output) for day, output in self._made.items()}

    def close(self) -> None:
        """Close the files of parts that are not finished; these parts cannot be used."""
        for output in self._made.values():
            with suppress(OSError):
                output.writer.close()

    def _finished(self, day: date, output: _Made) -> DayFacts:
        rolled = self._path(day, "traffic.parquet")
        with writing(self._folder):
            output.writer.close()
            np.concatenate(output.spans, axis=1).tofile(self._path(day, "spans"))
            pyarrow.parquet.write_table(combine(output.rolled), rolled, **PARQUET)
        keys, times = (
            pyarrow.chunked_array([c for column in all_of for c in column.chunks])
            for all_of in (output.keys, output.times)
        )
        has_ids = bool(keys.null_count)
        differ = not has_ids and len(pd.unique(keys.to_numpy())) == len(keys)
        ends = pyarrow.compute.min_max(times)
        first_at, last_at = (ends[name].as_py().isoformat() for name in ("min", "max"))
        return DayFacts(len(times), differ, has_ids, first_at, last_at, str(rolled), str(self._path(day, "spans")))

    def _of(self, day: date, schema: pyarrow.Schema) -> _Made:
        if day not in self._made:
            part = self._folder / f"day={day}" / "calls.parquet"
            part.parent.mkdir()
            self._made[day] = _Made(pyarrow.parquet.ParquetWriter(part, schema, **PARQUET))
        return self._made[day]

    def _path(self, day: date, name: str) -> Path:
        return self._beside / f"{day}-{name}"

    def _by_day(self, rows: pyarrow.Table, time: str) -> Iterator[tuple[date, pyarrow.Table]]:
        days = rows[time].to_numpy().astype("datetime64[D]")
        begins = [0, *(np.flatnonzero(days[1:] != days[:-1]) + 1).tolist(), len(days)]
        for begin, end in pairwise(begins):
            day = days[begin].item()
            if day not in self._days or (begin and days[begin - 1] > days[begin]):
                raise ValueError("A call of another day, or out of order.")
            yield day, rows.slice(begin, end - begin)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Translate an ``OSError`` into a ``StoreError`` for operators."""
    try:
        yield
    except OSError as exc:
        raise StoreError(
            f"The call store could not read an export: {folder} cannot be written ({exc.strerror or exc}): "
            "there is no space left on the disk, or no right to write. What was stored before stands; free some "
            "space, then try again."
        ) from exc
