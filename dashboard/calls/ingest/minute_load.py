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

from dashboard.calls.ingest.rollup import in_one, is_one

MINUTE_S, BLOCK_S = 60, 86_400
"""A day is weighed at a time: its seconds fit where a processor is quickest."""
SPAN = np.uint32
"""Of a number in a file of ``spans_of``: seconds since 1970 fit in it until 2106."""
SPAN_BYTES = 8
"""Of a call there: two numbers."""
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
PARQUET: dict[str, Any] = {
    "use_dictionary": ["direction"],
    "column_encoding": dict.fromkeys(("minute_at", "calls", "peak_1s", "concurrent"), "DELTA_BINARY_PACKED"),
    "store_schema": False,
}
"""How the load of a day is written: one minute is like the next."""
Seconds = npt.NDArray[np.int64]
Spans = npt.NDArray[np.uint32]


def spans_of(calls: pyarrow.Table) -> Spans:
    """
    Return what of calls in memory bears on the load: what ``sql/load.sql`` gives, from 1970 on.

    Args:
        calls: As ``columnar.Columns`` makes them.

    Returns:
        A column a call: the second in which it starts; twice its seconds in progress, plus one if it is inbound.
    """
    compute, columns = pyarrow.compute, {name: in_one(calls[name]) for name in calls.column_names}
    started, ended = (
        columns[name].cast(pyarrow.timestamp("s")).cast(pyarrow.int64()) for name in ("started_at", "ended_at")
    )
    done = compute.coalesce(ended, compute.add(started, columns["duration_s"].cast(pyarrow.int64())), started)
    start = started.to_numpy()
    lasting = np.clip(done.to_numpy() - start, 0, 2 * BLOCK_S - start % BLOCK_S)
    lasting *= is_one(columns["outcome"], "answered").to_numpy(zero_copy_only=False)
    inbound = is_one(columns["direction"], "inbound").to_numpy(zero_copy_only=False)
    return np.stack([start.astype(SPAN), (2 * lasting + inbound).astype(SPAN)])


def as_started(spans: Spans, since: datetime) -> pyarrow.Table:
    """Return the spans of calls in progress from ``since`` on as ``weigh`` takes them; UTC without a zone."""
    begin = (since - datetime(1970, 1, 1)) // A_SECOND  # noqa: DTZ001 - as the store has times
    if (spans[0] < begin).any():
        spans = spans[:, spans[0] + spans[1] // 2 > begin]
    start = spans[0].astype(np.int64) - begin
    return pyarrow.table({"is_inbound": spans[1] % 2 == 1, "start_s": start, "done_s": start + spans[1] // 2})


def weigh_day(day: date, spans: Sequence[str], path: Path) -> Path:
    """
    Weigh the minutes of a day whose calls were in memory, as were those of the day before.

    Args:
        day: The day, UTC.
        spans: Files of ``spans_of``: of the day before, where it has calls, and of the day.
        path: Where the load goes.
    """
    since = datetime.combine(day, datetime.min.time())
    found = pyarrow.concat_tables(as_started(np.fromfile(each, SPAN).reshape(2, -1), since) for each in spans)
    return write_load(weigh(found.combine_chunks(), since, since + timedelta(days=1)), path)


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


def peaks_of_groups(group: Seconds, start: Seconds, done: Seconds, length: int) -> tuple[Seconds, ...]:
    """
    Return the peaks of each group within a span of time.

    A group may have one call of a day and there may be any number of groups, so the calls are sorted and no second
    without a call is looked at; the numbers are those of ``weigh``.

    Args:
        group: A number from 0 on of each call.
        start: When it starts, in seconds from the begin of the span; negative where it was in progress before.
        done: Until when it is in progress, exclusive; not later than ``start`` where it was not answered.
        length: Of the span in seconds, whole minutes.

    Returns:
        The groups that are there, ascending, and of each ``peak_1s``, ``peak_60s`` and ``concurrent``.
    """
    starts = start >= 0
    seconds, calls = np.unique(group[starts] * length + start[starts], return_counts=True)
    first = _firsts(seconds // MINUTE_S)
    in_minutes = np.add.reduceat(calls, first) if len(first) else calls
    begin, end = np.maximum(start, 0), np.minimum(done, length)
    runs = begin < end
    # Spans of groups lie behind one another; whoever began in an earlier one has ended there.
    begun, ended = (np.sort(group[runs] * (length + 1) + each[runs]) for each in (begin, end))
    running = np.searchsorted(begun, begun, side="right") - np.searchsorted(ended, begun, side="right")
    found = [
        _most(seconds // length, calls),
        _most(seconds[first] // length, in_minutes),
        _most(begun // (length + 1), running),
    ]
    groups = np.unique(np.concatenate([each for each, _ in found]))
    columns = [np.zeros(len(groups), dtype=np.int64) for _ in found]
    for column, (mine, most) in zip(columns, found, strict=True):
        column[np.searchsorted(groups, mine)] = most
    return (groups, *columns)


def _most(groups: Seconds, values: Seconds) -> tuple[Seconds, Seconds]:
    """Return the groups, given in order, and the highest value of each."""
    first = _firsts(groups)
    return groups[first], np.maximum.reduceat(values, first) if len(first) else values


def _firsts(ordered: Seconds) -> Seconds:
    """Return at which places a value differs from the one before it."""
    found: Seconds = np.flatnonzero(np.diff(ordered, prepend=-1))
    return found


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
