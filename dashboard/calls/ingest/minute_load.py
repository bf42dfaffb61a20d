"""Load per minute: call starts, most starts in one second, most answered calls in progress at once."""

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

from dashboard.calls.ingest.rollup import as_one_array, equals_text

MINUTE_S, BLOCK_S = 60, 86_400
"""Seconds of a minute and of a block (``BLOCK_S``, one day): the arrays of one day fit into the processor cache."""
SPAN = np.uint32
"""Integer type in a file of ``spans_of``: holds seconds since 1970 until 2106."""
SPAN_BYTES = 8
"""Bytes per call in such a file: two numbers."""
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
"""Parquet options for the load of a day: delta encoding, because consecutive minutes are similar."""
Seconds = npt.NDArray[np.int64]
Spans = npt.NDArray[np.uint32]


def spans_of(calls: pyarrow.Table) -> Spans:
    """
    Return the start and duration of calls in memory; same meaning as ``sql/load.sql``, in seconds since 1970.

    Args:
        calls: As returned by ``columnar.Columns.rows``.

    Returns:
        One column per call: the second in which it starts; and twice its seconds in progress, plus one if inbound.
    """
    compute = pyarrow.compute
    columns = {name: as_one_array(calls[name]) for name in calls.column_names}
    started, ended = (
        columns[name].cast(pyarrow.timestamp("s")).cast(pyarrow.int64()) for name in ("started_at", "ended_at")
    )
    end = compute.coalesce(ended, compute.add(started, columns["duration_s"].cast(pyarrow.int64())), started)
    start = started.to_numpy()
    lasting = np.clip(end.to_numpy() - start, 0, 2 * BLOCK_S - start % BLOCK_S)
    lasting *= equals_text(columns["outcome"], "answered").to_numpy(zero_copy_only=False)
    inbound = equals_text(columns["direction"], "inbound").to_numpy(zero_copy_only=False)
    return np.stack([start.astype(SPAN), (2 * lasting + inbound).astype(SPAN)])


def as_started(spans: Spans, since: datetime) -> pyarrow.Table:
    """Return the spans of calls in progress from ``since`` on, as ``compute_load`` takes them; UTC without a zone."""
    begin = (since - datetime(1970, 1, 1)) // A_SECOND  # noqa: DTZ001 - the store's times have no zone
    if (spans[0] < begin).any():
        spans = spans[:, spans[0] + spans[1] // 2 > begin]
    start = spans[0].astype(np.int64) - begin
    return pyarrow.table({"is_inbound": spans[1] % 2 == 1, "start_s": start, "done_s": start + spans[1] // 2})


def compute_day_load(day: date, spans: Sequence[str], path: Path) -> Path:
    """
    Compute the load of a day whose calls were in memory, as were those of the previous day.

    Args:
        day: The day, UTC.
        spans: Files of ``spans_of``: for the previous day, if it has calls, and for the day.
        path: Output file.
    """
    since = datetime.combine(day, datetime.min.time())
    started = pyarrow.concat_tables(
        as_started(np.fromfile(span_file, SPAN).reshape(2, -1), since) for span_file in spans
    )
    return write_load(compute_load(started.combine_chunks(), since, since + timedelta(days=1)), path)


def write_load(minutes: pyarrow.Table, path: Path) -> Path:
    """Write the result of ``compute_load`` for a day."""
    pyarrow.parquet.write_table(minutes, path, **PARQUET)
    return path


def compute_load(calls: pyarrow.Table, since: datetime, until: datetime) -> pyarrow.Table:
    """
    Compute the load of each minute of [since, until).

    Args:
        calls: Result of ``sql/load.sql``: ``is_inbound``, ``start_s`` and ``done_s`` in seconds from ``since``.
        since: A whole minute, UTC without a zone.
        until: A whole minute, exclusive.

    Returns:
        ``minute_at``, ``direction``, ``calls``, ``peak_1s``, ``concurrent``, ordered by time and direction. A minute
        without calls has no row.
    """
    length = (until - since) // A_SECOND
    inbound, start, end = (calls.column(name).to_numpy() for name in ("is_inbound", "start_s", "done_s"))
    loads = [COLUMNS.empty_table()]
    for first in range(0, length, BLOCK_S):
        last = min(first + BLOCK_S, length)
        in_block = (start < last) & ((start >= first) | (end > first))
        for direction, selected in (("inbound", in_block & inbound), ("outbound", in_block & ~inbound)):
            begin = since + first * A_SECOND
            loads.append(
                _direction_load(direction, start[selected] - first, end[selected] - first, begin, last - first)
            )
    return pyarrow.concat_tables(loads).sort_by([("minute_at", "ascending"), ("direction", "ascending")])


def peaks_of_groups(group: Seconds, start: Seconds, ended_at: Seconds, length: int) -> tuple[Seconds, ...]:
    """
    Return the peaks of each group within a span of time.

    A group may have one call a day, and there may be any number of groups, so the calls are sorted and seconds without
    calls are skipped; the results equal those of ``compute_load``.

    Args:
        group: Group number of each call, from 0.
        start: Start in seconds from the start of the span; negative if the call was already in progress.
        ended_at: End of the time in progress, exclusive; not later than ``start`` for an unanswered call.
        length: Length of the span in seconds, whole minutes.

    Returns:
        The groups that occur, ascending, and ``peak_1s``, ``peak_60s`` and ``concurrent`` of each.
    """
    starts = start >= 0
    seconds, calls = np.unique(group[starts] * length + start[starts], return_counts=True)
    first = _firsts(seconds // MINUTE_S)
    in_minutes = np.add.reduceat(calls, first) if len(first) else calls
    begin = np.maximum(start, 0)
    end = np.minimum(ended_at, length)
    runs = begin < end
    # Groups occupy consecutive spans; a call that began in an earlier span also ended there.
    begun, ended = (np.sort(group[runs] * (length + 1) + times[runs]) for times in (begin, end))
    running = np.searchsorted(begun, begun, side="right") - np.searchsorted(ended, begun, side="right")
    peaks = [
        _most(seconds // length, calls),
        _most(seconds[first] // length, in_minutes),
        _most(begun // (length + 1), running),
    ]
    groups = np.unique(np.concatenate([times for times, _ in peaks]))
    columns = [np.zeros(len(groups), dtype=np.int64) for _ in peaks]
    for column, (peak_groups, most) in zip(columns, peaks, strict=True):
        column[np.searchsorted(groups, peak_groups)] = most
    return (groups, *columns)


def _most(groups: Seconds, values: Seconds) -> tuple[Seconds, Seconds]:
    """Return the groups, given in order, and the highest value of each."""
    first = _firsts(groups)
    return groups[first], np.maximum.reduceat(values, first) if len(first) else values


def _firsts(ordered: Seconds) -> Seconds:
    """Return the indexes at which a value differs from the previous one."""
    indexes: Seconds = np.flatnonzero(np.diff(ordered, prepend=-1))
    return indexes


def _direction_load(direction: str, start: Seconds, ended_at: Seconds, since: datetime, length: int) -> pyarrow.Table:
    """Compute the load of one direction, second by second."""
    starts = np.bincount(start[start >= 0], minlength=length).reshape(-1, MINUTE_S)
    begin = np.maximum(start, 0)
    end = np.minimum(ended_at, length)
    runs = begin < end
    steps = np.bincount(begin[runs], minlength=length + 1) - np.bincount(end[runs], minlength=length + 1)
    running = np.cumsum(steps)[:length].reshape(-1, MINUTE_S).max(axis=1)
    calls = starts.sum(axis=1)
    active = np.flatnonzero((calls > 0) | (running > 0))
    minutes = np.datetime64(since, "us") + active * np.timedelta64(MINUTE_S, "s")
    columns: list[Seconds] = [calls, starts.max(axis=1), running]
    return pyarrow.table(
        [pyarrow.array(minutes), pyarrow.array([direction] * len(active)), *(column[active] for column in columns)],
        schema=COLUMNS,
    )
