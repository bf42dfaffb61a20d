"""Load of each minute: starts, the most of them in one second, the most answered calls in progress at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from dashboard.calls.rolling import is_one

MINUTE_S, BLOCK_S = 60, 86_400
"""A day is weighed at a time: its seconds fit where a processor is quickest."""
SPAN_BYTES = 24
"""Of a call in a file of ``spans_of``: three numbers."""
A_SECOND = timedelta(seconds=1)
COLUMNS = pyarrow.schema(
    [
        ("minute_at", pyarrow.timestamp("us")),
        ("direction", pyarrow.string()),
        ("calls", pyarrow.int64()),
        ("peak_1s", pyarrow.int64()),
        ("concurrent", pyarrow.int64()),
    ]
)
SPANS = pyarrow.schema([("is_inbound", pyarrow.bool_()), ("start_s", pyarrow.int64()), ("done_s", pyarrow.int64())])
PARQUET: dict[str, Any] = {
    "use_dictionary": ["direction"],
    "column_encoding": dict.fromkeys(("minute_at", "calls", "peak_1s", "concurrent"), "DELTA_BINARY_PACKED"),
    "store_schema": False,
}
"""How the load of a day is written: one minute is like the next."""
Seconds = npt.NDArray[np.int64]


def spans_of(calls: pyarrow.Table) -> Seconds:
    """
    Return what of calls in memory bears on the load: what ``sql/load.sql`` gives, in seconds from 1970.

    Args:
        calls: As ``columnar.Columns`` makes them.

    Returns:
        A row a call: whether it is inbound, start, end.
    """
    compute, columns = pyarrow.compute, {name: calls[name].combine_chunks() for name in calls.column_names}
    started, ended = (
        columns[name].cast(pyarrow.timestamp("s")).cast(pyarrow.int64()) for name in ("started_at", "ended_at")
    )
    done = compute.coalesce(ended, compute.add(started, columns["duration_s"].cast(pyarrow.int64())), started)
    done = compute.if_else(is_one(columns["outcome"], "answered"), done, started)
    inbound = is_one(columns["direction"], "inbound").cast(pyarrow.int64())
    return np.stack([each.to_numpy() for each in (inbound, started, done)], axis=1)


def as_started(spans: Seconds, since: datetime) -> pyarrow.Table:
    """Return spans as ``weigh`` takes them: in seconds from ``since``, UTC without a zone."""
    begin = (since - datetime(1970, 1, 1)) // A_SECOND  # noqa: DTZ001 - as the store has times
    names = ("is_inbound", "start_s", "done_s")
    return pyarrow.table(dict(zip(names, (spans[:, 0] == 1, spans[:, 1] - begin, spans[:, 2] - begin), strict=True)))


def weigh_day(day: date, spans: Sequence[str], path: Path) -> Path:
    """
    Weigh the minutes of a day whose calls were in memory, as were those of the day before.

    Args:
        day: The day, UTC.
        spans: Files of ``spans_of``: of the day before, where it has calls, and of the day.
        path: Where the load goes.
    """
    since = datetime.combine(day, datetime.min.time())
    found = np.concatenate([np.fromfile(each, np.int64) for each in spans]).reshape(-1, 3)
    return write_load(weigh(as_started(found, since), since, since + timedelta(days=1)), path)


def write_load(minutes: pyarrow.Table, path: Path) -> Path:
    """Write what ``weigh`` gave of a day."""
    pyarrow.parquet.write_table(minutes, path, **PARQUET)
    return path


def weigh(calls: pyarrow.Table, since: datetime, until: datetime) -> pyarrow.Table:
    """
    Weigh the minutes of [since, until).

    Args:
        calls: What ``sql/load.sql`` gives: ``is_inbound``, ``start_s`` and ``done_s`` in seconds from ``since``.
        since: A whole minute, UTC without a zone.
        until: Another.

    Returns:
        ``minute_at``, ``direction``, ``calls``, ``peak_1s``, ``concurrent``, by time and direction. A minute
        of which nothing is known has no row.
    """
    length = (until - since) // A_SECOND
    inbound, start, done = (calls.column(name).to_numpy() for name in ("is_inbound", "start_s", "done_s"))
    found = [COLUMNS.empty_table()]
    for first in range(0, length, BLOCK_S):
        last = min(first + BLOCK_S, length)
        here = (start < last) & ((start >= first) | (done > first))
        for direction, mine in (("inbound", here & inbound), ("outbound", here & ~inbound)):
            begin = since + first * A_SECOND
            found.append(_one(direction, start[mine] - first, done[mine] - first, begin, last - first))
    return pyarrow.concat_tables(found).sort_by([("minute_at", "ascending"), ("direction", "ascending")])


def _one(direction: str, start: Seconds, done: Seconds, since: datetime, length: int) -> pyarrow.Table:
    """Weigh the calls of one direction, second by second."""
    starts = np.bincount(start[start >= 0], minlength=length).reshape(-1, MINUTE_S)
    begin, end = np.maximum(start, 0), np.minimum(done, length)
    runs = begin < end
    steps = np.bincount(begin[runs], minlength=length + 1) - np.bincount(end[runs], minlength=length + 1)
    running = np.cumsum(steps)[:length].reshape(-1, MINUTE_S).max(axis=1)
    calls = starts.sum(axis=1)
    known = np.flatnonzero((calls > 0) | (running > 0))
    minutes = np.datetime64(since, "us") + known * np.timedelta64(MINUTE_S, "s")
    columns: list[Seconds] = [calls, starts.max(axis=1), running]
    return pyarrow.table(
        [pyarrow.array(minutes), pyarrow.array([direction] * len(known)), *(each[known] for each in columns)],
        schema=COLUMNS,
    )
