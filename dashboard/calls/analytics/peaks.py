"""
Peaks of each PBX, source address, destination zone or PoP, counted from single calls.

The minute load (``CallStore.load``) distinguishes only the direction of a call. This module reads the calls day by day,
a busy day in pieces, so that memory grows with the groups and the concurrent calls, not with the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow

from dashboard.calls.analytics.metrics import PEAKS
from dashboard.calls.confirmed_callers import callers
from dashboard.calls.ingest.minute_load import MINUTE_S, Seconds, peaks_of_groups
from dashboard.calls.store.engine import utc
from dashboard.calls.store.generations import Generation
from dashboard.calls.store.queries import FIRST, LAST, days_between
from dashboard.calls.store.store import CallStore, cuts_of, segments_of
from dashboard.domain.snapshot import Snapshot

AT_ONCE = 1_000_000
"""Default of ``at_once`` of ``count_peaks``."""
A_DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)
A_SECOND = timedelta(seconds=1)
MINUTES = A_DAY // A_MINUTE
KEYS = ["direction", "source_ip", "x_tag", "number"]
PeakColumn = Literal["source_ip", "destination_name"]


@dataclass(frozen=True)
class CallOwners:
    """Owners of calls by the keys of the roll-up; created by ``call_owners``."""

    keys: pyarrow.Table
    """``direction``, ``source_ip``, ``x_tag``, ``number``, ``segment``, and ``owner``: an index into ``names``."""
    names: tuple[str, ...]
    cuts: tuple[datetime, ...]
    """Instants that separate the segments, UTC without a zone."""


@dataclass(frozen=True)
class Peaks:
    """Result of ``count_peaks``."""

    rows: pd.DataFrame
    """``of`` (text), ``direction``, ``peak_1s``, ``peak_60s``, ``concurrent``, by ``of`` and direction."""
    gone: tuple[date, ...]
    """Days (UTC) whose single calls are no longer stored and were not counted."""


def call_owners(snapshot: Snapshot, naming: Callable[[str], str] = str) -> CallOwners:
    """
    Return the owners of the snapshot's calls, as in the cube.

    Args:
        snapshot: Its traffic maps every key of the roll-up to its owner.
        naming: Maps a caller (a PBX by its name, or an unassigned address) to the name it is counted under, such as its
            PoP.
    """
    rows = snapshot.traffic
    owner, owner_names = pd.factorize(pd.Series(list(map(naming, callers(snapshot, rows))), dtype="object"))
    cuts = cuts_of(snapshot.split_at)
    segment = segments_of(rows["first_at"].dt.tz_localize(None), cuts)
    keys = rows[KEYS].assign(segment=segment, owner=owner).drop_duplicates([*KEYS, "segment"])
    return CallOwners(pyarrow.Table.from_pandas(keys, preserve_index=False), tuple(owner_names), tuple(cuts))


def count_peaks(
    store: CallStore,
    by: PeakColumn | CallOwners,
    *,
    since: datetime,
    until: datetime | None = None,
    at_once: int = AT_ONCE,
) -> Peaks:
    """
    Count the peaks of [since, until), separately for each group and direction.

    A call is in progress as defined in ``sql/load.sql``: from its start to its end if it was answered, at most to the
    end of the following day (UTC). A call that started before ``since``, or before midnight, counts as in progress, not
    as a start; it does not count if the calls of the day it started on are no longer stored, or if it has no known
    owner.

    Args:
        store: Source of the single calls.
        by: The column to group by, or the owners of the calls; calls without a key in the owners do not count.
        since: A whole minute.
        until: Exclusive; no limit if omitted.
        at_once: Approximate calls per piece; a day with more is read in pieces.

    Returns:
        ``peak_1s`` (calls that start in one second), ``peak_60s`` (in one clock minute) and ``concurrent`` (answered
        calls in progress at once) as defined in ``DEFINITIONS``, each the maximum; and the days that could not be
        counted. A group with neither a start nor a call in progress has no row.

    Raises:
        ValueError: ``since`` is not a whole minute.
        StoreError: The store could not be read; the message names a damaged or missing file.
    """
    low = utc(max(since, FIRST))
    high = utc(min(until or LAST, LAST))
    if low.second or low.microsecond:
        raise ValueError("Peaks are counted from a whole minute on.")

    def count(generation: Generation) -> Peaks:
        counter = _Counted()
        days = [day for day in days_between(generation, low, high) if generation.days[day].rows]
        retired = tuple(day for day in days if generation.days[day].is_retired)
        first = low.date()
        before = generation.days.get(first - A_DAY)
        if first not in days and before and before.calls:
            days.append(first)  # it has no calls, but calls of the previous day may extend into it
        for day in sorted({*days} - {*retired}):
            today = generation.days.get(day)
            pieces = _pieces(day, today.rows if today else 0, span=(low, high), at_once=at_once)
            _count_day(store, generation, by, day=day, pieces=pieces, counter=counter)
        return Peaks(counter.rows(), retired)

    return store.ask(count)


class _Counted:
    """Peaks found so far, and the calls in progress at the end of the last piece."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._most = np.zeros((len(PEAKS), 0), dtype=np.int64)
        self._going: tuple[Seconds, Seconds] = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._ended_at: datetime | None = None

    @property
    def begun(self) -> bool:
        """Whether a piece was counted, so that the calls in progress are known."""
        return self._ended_at is not None

    def add(self, calls: pyarrow.Table, names: tuple[str, ...], since: datetime, until: datetime) -> None:
        """Count the calls of a piece, and those that extend into it from earlier pieces."""
        length = max(1, -((since - until) // A_MINUTE)) * MINUTE_S
        group, inbound, start, end = self._columns(calls, names)
        past = (since - (self._ended_at or since)) // A_SECOND
        group = np.concatenate([self._going[0], 2 * group + inbound])
        start = np.concatenate([np.full(len(self._going[0]), -1), start])
        end = np.concatenate([self._going[1] - past, end])
        groups, *peaks = peaks_of_groups(group, start, end, length)
        extra_groups = 2 * len(self._numbers) - self._most.shape[1]
        self._most = np.pad(self._most, ((0, 0), (0, extra_groups)))
        self._most[:, groups] = np.maximum(self._most[:, groups], peaks)
        on = end > length
        self._going = (group[on], end[on] - length)
        self._ended_at = since + length * A_SECOND

    def rows(self) -> pd.DataFrame:
        """Return the rows of ``Peaks.rows``."""
        names = np.array([*self._numbers, ""], dtype="object")
        active = np.flatnonzero(self._most.any(axis=0))
        result = pd.DataFrame(
            {
                "of": pd.Series(names[active // 2], dtype="str"),
                "direction": pd.Series(np.where(active % 2, "inbound", "outbound"), dtype="str"),
                **{name: most[active] for name, most in zip(PEAKS, self._most, strict=True)},
            }
        )
        return result.sort_values(["of", "direction"], ignore_index=True)

    def _columns(self, calls: pyarrow.Table, names: tuple[str, ...]) -> tuple[Seconds, ...]:
        """Return group, whether inbound, start and end of each call; assign the next number to a new name."""
        if "name" in calls.column_names:
            coded = calls.column("name").combine_chunks().dictionary_encode()
            index = coded.indices.to_numpy().astype(np.int64)
            owner_names = coded.dictionary.to_pylist()
        else:
            index = calls.column("owner").to_numpy()
            owner_names = list(names)
        number = np.array([self._numbers.setdefault(name, len(self._numbers)) for name in owner_names], dtype=np.int64)
        other_columns = (calls.column(name).to_numpy() for name in ("is_inbound", "start_s", "done_s"))
        return (number[index] if len(index) else index.astype(np.int64), *other_columns)


def _count_day(
    store: CallStore,
    generation: Generation,
    by: PeakColumn | CallOwners,
    *,
    day: date,
    pieces: Iterable[tuple[datetime, datetime]],
    counter: _Counted,
) -> None:
    """Count one day, reading the previous day too if it is the first."""
    name = "spans_owned" if isinstance(by, CallOwners) else "spans_by"
    today = generation.days.get(day)
    before = generation.days.get(day - A_DAY)
    for since, until in pieces:
        parts = today.calls if today else ()
        begun = since
        if not counter.begun:
            parts = (*(before.calls if before else ()), *parts)
            begun = _midnight(day - A_DAY)
        parameters: dict[str, Any] = {"calls": store.parts(parts), "begun": begun, "since": since, "until": until}
        tables: dict[str, pyarrow.Table] = {}
        if isinstance(by, CallOwners):
            cuts = [cut for cut in by.cuts if begun <= cut < until]
            parameters |= {"segment": sum(cut < begun for cut in by.cuts), "cuts": cuts}
            own_numbers = store.own_numbers(generation)
            parameters |= own_numbers.parameters
            tables = {"owners": by.keys, **own_numbers.tables}
        else:
            parameters |= {"by": by}
        calls = store.engine.fetch(name, parameters, operation="count the peaks", tables=tables)
        counter.add(calls, by.names if isinstance(by, CallOwners) else (), since, until)


def _pieces(
    day: date, rows: int, *, span: tuple[datetime, datetime], at_once: int
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the pieces of a day that lie in a span, of equal length in whole minutes."""
    least_pieces = min(MINUTES, -(-rows // at_once))
    count = (
        next(divisor for divisor in range(least_pieces, MINUTES + 1) if MINUTES % divisor == 0) if least_pieces else 1
    )
    midnight = _midnight(day)
    step = A_DAY // count
    for number in range(count):
        since = max(span[0], midnight + number * step)
        until = min(span[1], midnight + (number + 1) * step)
        if since < until:
            yield since, until


def _midnight(day: date) -> datetime:
    """Return the start of a day, UTC without a zone."""
    return datetime.combine(day, datetime.min.time())
