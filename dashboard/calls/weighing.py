"""Load of each minute: starts, the most of them in one second, the most answered calls in progress at once."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute

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
