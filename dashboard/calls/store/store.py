"""
Call store: the query interface for pages, checks and the replay.

Daily Parquet files with roll-ups (``generations``), queried with DuckDB (``engine``). Readers never lock: a query uses
the generation that was current when it started. Each query is a file in ``sql/``; times are UTC. The roll-up is hourly:
``by_source`` and ``first_seen`` round ``since`` down to its hour and ``until`` up. Queries by PBX use the attributed
roll-up (``analytics.cube``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute

from dashboard import schemas
from dashboard.calls.ingest.columns import ROLLED_KEYS, ROLLED_SUMS
from dashboard.calls.store.engine import Engine, sanitize_table, to_frame, to_table, under, utc
from dashboard.calls.store.generations import Day, Generation, Generations
from dashboard.calls.store.own_numbers import OwnNumbers, own_numbers_of, unattributed_days
from dashboard.calls.store.queries import FIRST, LAST, LOCK_WAIT_S, Answer, asked_again, days_between
from dashboard.calls.store.rejects import Rejects, frame_of
from dashboard.schemas.tables import FILE_ONLY

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
HOUR_S = 3600
AT_ONCE = 1_000_000
"""Calls whose hours are read at once, so that memory does not grow with the calls; at least a day."""
MANY, LATE = 20_000, timedelta(hours=3)
"""If a day has more calls than this, its last hours (``LATE``) are searched first: they usually fill a page."""


@dataclass(frozen=True)
class CallFilter:
    """Search criteria; omitted ones do not filter. Times are UTC, ``until`` is exclusive."""

    since: datetime | None = None
    until: datetime | None = None
    number: str = ""
    """Part of the number dialed or of the caller ID; only its digits count if it has any."""
    source_ip: str = ""
    x_tag: str = ""
    outcome: str = ""
    direction: str = ""
    zone: str = ""
    sip_status: int | None = None
    file_only: bool = False
    """Calls that are in imported files but not in the carrier's export, instead of those that count."""


CELL_SUMS = ("calls", "short_calls", "duration_s", "cost_units")
NO_CELLS = pyarrow.table(
    {
        "row": pyarrow.array([], pyarrow.int64()),
        "hour_at": pyarrow.array([], pyarrow.timestamp("us")),
        "zone": pyarrow.array([], pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
        **{name: pyarrow.array([], pyarrow.int64()) for name in CELL_SUMS},
    }
)


@dataclass(frozen=True)
class Segments:
    """Roll-up by segment (interval between two changes), with the hours and zones of its rows, read in one query."""

    rows: pd.DataFrame
    """TRAFFIC, not attributed."""
    cells: pyarrow.Table
    """
    Sums of the rows by hour and destination zone, if they were asked for.

    ``row`` (position in ``rows``), ``hour_at`` (UTC without a zone), ``zone``, ``CELL_SUMS`` (units of 1e-8 USD).
    """


def _unchanged(rows: pyarrow.Table) -> pyarrow.Table:
    return rows


class CallStore:
    """Call store of one home folder."""

    def __init__(
        self,
        home: Path,
        *,
        lock_wait_s: float = LOCK_WAIT_S,
        spill: Path | None = None,
        own_numbers: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        """
        Open the store; nothing is created on disk before the first import.

        Args:
            home: State folder; the store is its folder ``calls``.
            lock_wait_s: Seconds that a writer waits for another one.
            spill: Folder for data that does not fit into memory, if the home cannot be written.
            own_numbers: Returns the numbers by which the inventory attributes calls. If the key of the
                roll-up lacks one of them, the roll-up is computed from the calls.
        """
        self._needed_numbers = own_numbers
        self.generations = Generations(home / "calls", lock_wait_s=lock_wait_s)
        self.engine = Engine(spill or home / "calls" / "spill")
        cure = "The calls are as they were; the next import begins the list anew."
        self.bad_rows = Rejects(self.engine, self.generations, cure)

    @property
    def digest(self) -> str:
        """Return the name of the published generation, ``""`` if none is; a cache key for all results of this store."""
        return self.generations.current_name()

    def count(self) -> int:
        """Return the number of calls."""
        return sum(day.rows for day in self.generations.current().days.values())

    def count_file_only(self) -> int:
        """Return the number of calls that are in imported files but not in the carrier's export of their time."""
        return sum(day.file_only_rows for day in self.generations.current().days.values())

    def last_imported_at(self) -> datetime | None:
        """Return the latest possible start of calls known from imported files only and not covered by an export."""
        days = self.generations.current().days.values()
        return max((day.last_at for day in days if day.imported), default=None)

    def last_exported_at(self) -> datetime | None:
        """
        Return the start of the last call of the carrier's exports; ``None`` if no single one is stored.

        For a day that also has calls from imported files only, it is the start of the day's first call.
        """
        days = [day for day in self.generations.current().days.values() if set(day.calls) - set(day.imported)]
        return max((day.first_at if day.imported else day.last_at for day in days), default=None)

    def span(self) -> tuple[datetime, datetime] | None:
        """Return the start times of the first and the last call; ``None`` if there are no calls."""
        days = self.generations.current().days.values()
        return (min(day.first_at for day in days), max(day.last_at for day in days)) if days else None

    def top_destinations(self, *, since: datetime, until: datetime | None = None, limit: int = 20) -> pd.DataFrame:
        """Return the costliest numbers dialed: destination, zone, calls, duration_s, cost_usd, last_at."""
        return self._counted("top_destinations", since, until, limit=limit)

    def by_source(self, *, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """Return outbound calls by ``source_ip``, ``outcome``, ``sip_status``, with the columns of ``metrics``."""
        return self._rolled("by_source", since, until)

    def load(self, *, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """Return ``minute_at``, ``direction``, ``calls`` (starts), ``peak_1s``, ``concurrent``; see ``peaks``."""
        return self._frame("minutes", "load", utc(max(since, FIRST)), utc(min(until or LAST, LAST)), {})

    def first_seen(self, *, since: datetime = FIRST, until: datetime | None = None) -> pd.DataFrame:
        """Return the first call of each source and destination; see ``metrics.first_seen``."""
        return self._rolled("first_seen", since, until)

    def rejects(self) -> pd.DataFrame:
        """
        Return the rejected rows.

        Returns:
            ``file``, ``line`` (physical, from 1), ``column`` (``""`` if the row itself is broken), ``reason``, ``raw``
            (cut at 2,000 characters), ``imported_at``.
        """
        return frame_of(self.ask(self.bad_rows.of))

    def ask(self, question: Callable[[Generation], Answer]) -> Answer:
        """Run a query on the current generation; repeat it if the generation was removed during the read."""
        return asked_again(self.generations, question)

    def own_numbers(self, generation: Generation) -> OwnNumbers:
        """Return the caller IDs kept in the key of the roll-up: the store's list and the inventory's numbers."""
        return own_numbers_of(self.generations, generation.own_numbers).with_more(self._needed_numbers())

    def covers_inventory(self, generation: Generation) -> bool:
        """Return whether the key of the roll-up keeps all numbers of the inventory."""
        return own_numbers_of(self.generations, generation.own_numbers).has(self._needed_numbers())

    def has_readable_list(self) -> bool:
        """Return whether the store can read its list of own numbers; True for a store without a list."""
        return own_numbers_of(self.generations, self.generations.current().own_numbers).is_readable

    def counted_afresh(self, generation: Generation, days: Iterable[date]) -> set[date]:
        """
        Return the days whose roll-up has to be computed from the calls.

        These are the days whose list is not that of the store, or all if that lacks numbers of the inventory; days
        whose calls are past retention or unreadable have only their roll-up.
        """
        covered = self.covers_inventory(generation)
        afresh = set()
        for day in days:
            made = generation.days[day]
            current = made.own_numbers == generation.own_numbers
            if not made.is_retired and not (current and covered) and (current or day not in generation.unreadable):
                afresh.add(day)
        return afresh

    def unattributed_days(self) -> list[date]:
        """
        Return the days whose calls cannot be attributed by the caller IDs of all numbers of the inventory.

        Their single calls are past retention or unreadable, and a number was added to the inventory later.
        """
        return unattributed_days(self.generations, self.generations.current(), self._needed_numbers())

    def parts(self, names: Iterable[str]) -> list[str]:
        """Return the paths of these parts, for DuckDB."""
        return [str(self.generations.path(name)) for name in names]

    def traffic(
        self,
        *,
        since: datetime,
        until: datetime | None = None,
        split_at: Sequence[datetime] = (),
        step: Literal["hour", "segment"] = "hour",
        file_only: bool = False,
    ) -> pd.DataFrame:
        """
        Return the roll-up of the calls that start in [since, until).

        Args:
            since: Start, exact to the second.
            until: End, exclusive; no limit if ``None``.
            split_at: Instants at which something changed. CDRs carry whole seconds, so no row straddles the start or
                the end of such an instant's second.
            step: One row per hour, or one row from one such instant to the next (``zone`` is then ``""``), of which
                there are few, however many calls.
            file_only: Roll up the calls that are in imported files but not in the carrier's export, instead of those
                that count.

        Returns:
            TRAFFIC, not attributed. Partial hours are counted from the calls themselves. On days of which only the
            roll-up remains they count as whole hours, and a row that straddles an instant is assigned to that instant's
            second, where it proves nothing.
        """
        if step == "segment":
            return self.segments(
                since=since, until=until, split_at=split_at, file_only=file_only, with_hours=False
            ).rows
        rows = self._rolled_up("traffic", since=since, until=until, split_at=split_at, file_only=file_only)
        return _traffic(rows[0] if rows else None, file_only=file_only)

    def segments(
        self,
        *,
        since: datetime,
        until: datetime | None = None,
        split_at: Sequence[datetime] = (),
        file_only: bool = False,
        with_hours: bool = True,
        part_s: int = HOUR_S,
        at_once: int = AT_ONCE,
    ) -> Segments:
        """
        Return the roll-up by segment, as ``traffic`` does, with the hours and zones of its rows.

        Args:
            since: As in ``traffic``.
            until: As in ``traffic``.
            split_at: As in ``traffic``.
            file_only: As in ``traffic``.
            with_hours: Whether to return the hours; without them there are no cells.
            part_s: Seconds to which times are rounded down in hours that are counted from the calls.
            at_once: See ``AT_ONCE``.
        """
        parts = self._rolled_up(
            "segments",
            since=since,
            until=until,
            split_at=split_at,
            options={"with_hours": with_hours},
            file_only=file_only,
            part_s=part_s,
            at_once=at_once if with_hours else None,
            convert=_rows_and_cells,
        )
        rows, place = _added_up([part for part, _ in parts])
        starts = np.cumsum([0, *(len(part) for part, _ in parts)])
        cells = [
            part.set_column(0, "row", pyarrow.array(place[part.column("row").to_numpy() + start]))
            for (_, part), start in zip(parts, starts, strict=False)
        ]
        return Segments(_traffic(rows, file_only=file_only), pyarrow.concat_tables([NO_CELLS, *cells]))

    def patterns(
        self,
        *,
        since: datetime,
        sources: Sequence[str],
        until: datetime | None = None,
        split_at: Sequence[datetime] = (),
        file_only: bool = False,
    ) -> pd.DataFrame:
        """
        Return the hours and zones of the outbound calls of some sources.

        Args:
            since: As in ``traffic``.
            sources: Source addresses.
            until: As in ``traffic``.
            split_at: As in ``traffic``.
            file_only: As in ``traffic``.

        Returns:
            CALL_PATTERNS, not attributed.
        """
        tables = {"wanted": pyarrow.table({"source_ip": pyarrow.array(list(sources), pyarrow.string())})}
        if not sources:
            return schemas.empty(schemas.CALL_PATTERNS)
        rows = self._rolled_up(
            "patterns", since=since, until=until, split_at=split_at, tables=tables, file_only=file_only
        )
        return under(schemas.CALL_PATTERNS, rows[0]) if rows else schemas.empty(schemas.CALL_PATTERNS)

    def _rolled_up(
        self,
        name: str,
        *,
        since: datetime,
        until: datetime | None,
        split_at: Sequence[datetime],
        options: Mapping[str, Any] | None = None,
        tables: Mapping[str, pyarrow.Table] | None = None,
        file_only: bool = False,
        part_s: int = HOUR_S,
        at_once: int | None = None,
        convert: Callable[[pyarrow.Table], Any] = _unchanged,
    ) -> list[Any]:
        """
        Query the roll-up, using stored rows for whole hours and counting partial hours from the calls.

        Args:
            name: A query of ``sql/`` over ``{{traffic}}``, ``spans`` (``hour_at``, ``segment``) and ``rolled``.
            since: As in ``traffic``.
            until: As in ``traffic``.
            split_at: As in ``traffic``; ``segments_of`` numbers the segments between the instants.
            options: More parameters of the query.
            tables: More tables available to the query.
            file_only: As in ``traffic``.
            part_s: Seconds to which ``hour_at`` is rounded down in hours that are counted from the calls.
            at_once: Run the query for some days at a time, of that many calls; for all days at once if ``None``.
            convert: Converts the rows of each run as soon as they are read.

        Returns:
            The converted rows of each run; empty if there is no call in that time.
        """
        low = utc(max(since, FIRST))
        high = utc(min(until or LAST, LAST))
        cuts = cuts_of(split_at)
        partial = sorted({_hour(at) for at in (*cuts, *(edge for edge in (low, high) if edge != _hour(edge)))})

        def calls_of(day: Day) -> tuple[str, ...]:
            return day.file_only if file_only else day.calls

        def traffic_of(day: Day) -> tuple[str, ...]:
            return day.file_only_traffic if file_only else day.traffic

        def fetch(generation: Generation) -> list[Any]:
            days = [day for day in days_between(generation, low, high) if traffic_of(generation.days[day])]
            if not days:
                return []
            own_numbers = self.own_numbers(generation)
            split_days = [day for day in days if day in {at.date() for at in partial}]
            afresh = self.counted_afresh(generation, days)
            if afresh:  # the days of partial hours as well, because one query counts whole days
                afresh |= {day for day in split_days if not generation.days[day].is_retired}
            stored = [day for day in days if day not in afresh]
            hours = [at for day in stored for at in _hours(day) if low <= at < high and at not in set(partial)]
            spans = pyarrow.table(
                {"hour_at": pyarrow.array(hours, pyarrow.timestamp("us")), "segment": segments_of(hours, cuts)}
            )
            calls = (part for day in sorted({*split_days, *afresh}) for part in calls_of(generation.days[day]))
            parts: dict[str, Any] = {"calls": self.parts(calls)}
            parts |= {
                "since": low,
                "until": high,
                "hours": None if afresh else partial,
                "cuts": cuts,
                **own_numbers.parameters,
            }
            rolled = self.engine.fetch("rollup", parts, operation="count calls", tables=own_numbers.tables)
            split = [generation.days[day] for day in split_days]
            retired = [part for day in split if day.is_retired for part in traffic_of(day)]
            if retired:
                parameters = {"traffic": self.parts(retired), "hours": partial, "since": low, "until": high}
                whole = self.engine.fetch("whole_hours", parameters, operation="read the roll-up")
                rolled = pyarrow.concat_tables([rolled, placed_in_cuts(whole, cuts).cast(rolled.schema)])
            if part_s != HOUR_S:
                seconds = rolled.column("first_at").to_numpy().astype("datetime64[s]").astype("int64")
                begins = (seconds // part_s * part_s).astype("datetime64[s]").astype("datetime64[us]")
                rolled = rolled.set_column(rolled.schema.get_field_index("hour_at"), "hour_at", pyarrow.array(begins))
            placed = pyarrow.array(segments_of(rolled.column("first_at").to_numpy(), cuts))
            rolled = rolled.append_column("segment", placed)
            found = []
            for batch in _batches(days, generation, at_once):
                traffic = self.parts(part for day in batch for part in traffic_of(generation.days[day]))
                values = {"traffic": traffic, **(options or {})}
                inputs = {"spans": spans, "rolled": rolled, **(tables or {})}
                found.append(convert(self.engine.fetch(name, values, operation="read the roll-up", tables=inputs)))
                rolled = rolled.slice(0, 0)
            return found

        return self.ask(fetch)

    def calls(
        self,
        criteria: CallFilter | None = None,
        *,
        limit: int = 200,
        after: tuple[datetime, str] | None = None,
        among: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """
        Return single calls, newest first.

        Args:
            criteria: Search criteria.
            limit: Maximum number of calls.
            after: ``started_at`` and ``call_key`` of the last call of the previous page.
            among: Rows of an attributed TRAFFIC; only the calls that they count are returned. A page can thus show the
                calls of a PBX, or those of a chart point.

        Returns:
            CALLS, not attributed.
        """
        criteria = criteria or CallFilter()
        if among is not None:
            among = among[(among["provenance"] == FILE_ONLY) == criteria.file_only]
        low = utc(max(criteria.since or FIRST, FIRST))
        high = utc(min(criteria.until or LAST, LAST))
        if among is not None and len(among):
            low = max(low, utc(among["first_at"].min()))
            high = min(high, utc(among["last_at"].max() + SECOND))
        if after is not None:
            high = min(high, utc(after[0]) + SECOND)
        parameters: dict[str, Any] = {
            "number": _searched(criteria.number),
            "source_ip": criteria.source_ip.strip(),
            "x_tag": criteria.x_tag.strip(),
            "outcome": criteria.outcome,
            "direction": criteria.direction,
            "zone": criteria.zone,
            "sip_status": criteria.sip_status,
            "after_at": utc(after[0]) if after else None,
            "after_key": after[1] if after else "",
        }

        def fetch(generation: Generation) -> list[pyarrow.Table]:
            """Read the newest calls first, until the page is full."""
            days = days_between(generation, low, high)
            days = (days if among is None else _days_of(among, days))[::-1]
            pages: list[pyarrow.Table] = []
            for begin, end, batch_days in _newest_first(days, generation, low, high):
                if (open_places := limit - sum(map(len, pages))) <= 0:
                    break
                batch = [generation.days[day] for day in batch_days]
                parts = self.parts(
                    part for day in batch for part in (day.file_only if criteria.file_only else day.calls)
                )
                stretch = {"since": begin, "until": end, "calls": parts, "limit": open_places}
                pages.append(self._page(parameters | stretch, among, self.own_numbers(generation)))
            return pages

        rows = [] if among is not None and among.empty else self.ask(fetch)
        if not rows:
            return schemas.empty(schemas.CALLS)
        return _marked(under(schemas.CALLS, sanitize_table(pyarrow.concat_tables(rows))), file_only=criteria.file_only)

    def file_only(self) -> pd.DataFrame:
        """
        Return the calls that are in imported files but not in the carrier's export, by day, over the whole store.

        Returns:
            ``day``, ``source_ip``, ``calls``, ``cost_usd``, oldest day first.
        """
        rows = self.traffic(since=FIRST, file_only=True)
        days = rows.assign(day=rows["hour_at"].dt.strftime("%Y-%m-%d"))
        sums = days.groupby(["day", "source_ip"], as_index=False)[["calls", "cost_usd"]].sum()
        return sums.sort_values(["day", "source_ip"], ignore_index=True)

    def destinations(self, *, among: pd.DataFrame, limit: int | None = 20) -> pd.DataFrame:
        """
        Return the numbers dialed by the calls that rows of the roll-up count, costliest first.

        Only the days of those rows are read.

        Args:
            among: Rows of an attributed TRAFFIC, as in ``calls``.
            limit: Maximum number of destinations; ``None`` for all, which add up to exactly the calls of the rows.

        Returns:
            ``destination``, ``zone`` (of its last call), ``calls``, ``duration_s``, ``cost_usd``, ``last_at``.
        """
        low = utc(among["first_at"].min() if len(among) else LAST)
        high = utc(among["last_at"].max() + SECOND if len(among) else LAST)

        def fetch(generation: Generation) -> pyarrow.Table:
            days = _days_of(among, days_between(generation, low, high))
            parts = self.parts(part for day in days for part in generation.days[day].calls)
            own_numbers = self.own_numbers(generation)
            parameters = {"calls": parts, "since": low, "until": high, "limit": limit, **own_numbers.parameters}
            tables = {"among": _among_table(among), **own_numbers.tables}
            return self.engine.fetch(
                "destinations_among", parameters, operation="add up the numbers dialed", tables=tables
            )

        return to_frame(sanitize_table(self.ask(fetch)))

    def _page(self, parameters: dict[str, Any], among: pd.DataFrame | None, own_numbers: OwnNumbers) -> pyarrow.Table:
        if among is None:
            return self.engine.fetch("calls", parameters, operation="search calls")
        tables = {"among": _among_table(among), **own_numbers.tables}
        return self.engine.fetch(
            "calls_among", parameters | own_numbers.parameters, operation="search calls", tables=tables
        )

    def _rolled(self, name: str, since: datetime, until: datetime | None, **parameters: Any) -> pd.DataFrame:
        low = _hour(utc(max(since, FIRST)))
        high = utc(min(until or LAST, LAST))
        high = high if high == _hour(high) else _hour(high) + HOUR
        return self._frame(name, "traffic", low, high, parameters)

    def _counted(self, name: str, since: datetime, until: datetime | None, **parameters: Any) -> pd.DataFrame:
        return self._frame(name, "calls", utc(max(since, FIRST)), utc(min(until or LAST, LAST)), parameters)

    def _frame(self, name: str, kind: str, low: datetime, high: datetime, filters: dict[str, Any]) -> pd.DataFrame:
        def question(generation: Generation) -> pd.DataFrame:
            days = days_between(generation, low, high)
            parts = self.parts(part for day in days for part in generation.days[day].of(kind))
            parameters = {kind: parts, "since": low, "until": high, **filters}
            return to_frame(self.engine.fetch(name, parameters, operation="answer a question about calls"))

        return self.ask(question)


def _traffic(rows: pyarrow.Table | None, *, file_only: bool) -> pd.DataFrame:
    """Return rows of a roll-up as TRAFFIC."""
    if rows is None:
        return schemas.empty(schemas.TRAFFIC)
    return _marked(under(schemas.TRAFFIC, rows), file_only=file_only)


def _rows_and_cells(table: pyarrow.Table) -> tuple[pyarrow.Table, pyarrow.Table]:
    """Return the rows of ``sql/segments.sql`` without their lists, and the lists as ``Segments.cells``."""
    lists = table.column("hours").combine_chunks()
    cells = pyarrow.compute.list_flatten(lists)
    columns = {name: pyarrow.compute.struct_field(cells, name) for name in NO_CELLS.column_names if name != "row"}
    columns["zone"] = columns["zone"].dictionary_encode()
    row = pyarrow.compute.list_parent_indices(lists).cast(pyarrow.int64())
    return table.drop_columns(["hours"]), pyarrow.table({"row": row, **columns})


def _added_up(parts: Sequence[pyarrow.Table]) -> tuple[pyarrow.Table | None, np.ndarray]:
    """
    Add up the rows of ``sql/segments.sql`` from several runs.

    Returns:
        The rows in order of time and key, without their segment; and the position there of each row of ``parts``.
    """
    if not parts:
        return None, np.zeros(0, dtype="int64")
    rows = pyarrow.concat_tables(parts)
    place = np.arange(len(rows))
    if len(parts) > 1:
        keys = [*ROLLED_KEYS, "segment"]
        place = rows.select(keys).to_pandas().groupby(keys, dropna=False, sort=False).ngroup().to_numpy()
        _, first = np.unique(place, return_index=True)
        ends = {"hour_at": "min", "first_at": "min", "last_at": "max"}
        sums = {name: ends.get(name, "sum") for name in ("hour_at", *ROLLED_SUMS)}
        groups = rows.append_column("place", pyarrow.array(place)).group_by("place", use_threads=False)
        added = groups.aggregate([*sums.items()]).sort_by("place")
        rows = rows.take(first)
        for name, kind in sums.items():
            column = added.column(f"{name}_{kind}").cast(rows.schema.field(name).type)
            rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    rows = rows.drop_columns(["segment"])
    order = pyarrow.compute.sort_indices(rows, [(name, "ascending") for name in rows.column_names]).to_numpy()
    position = np.empty(len(rows), dtype="int64")
    position[order] = np.arange(len(rows))
    return rows.take(order), position[place]


def _batches(days: Sequence[date], generation: Generation, at_once: int | None) -> Iterator[list[date]]:
    """Yield days in batches of at most ``at_once`` calls, but at least a day; all days if ``None``."""
    batch: list[date] = []
    calls = 0
    for day in days:
        calls += generation.days[day].rows
        if batch and at_once is not None and calls > at_once:
            yield batch
            batch = []
            calls = generation.days[day].rows
        batch.append(day)
    yield batch


def _marked(frame: pd.DataFrame, *, file_only: bool) -> pd.DataFrame:
    return frame.assign(provenance=FILE_ONLY) if file_only else frame


def cuts_of(instants: Sequence[datetime]) -> list[datetime]:
    """Return the cuts of the roll-up for instants: start and end of the second of each, UTC without a zone."""
    return sorted({utc(at).replace(microsecond=0) + offset for at in instants for offset in (timedelta(0), SECOND)})


def segments_of(times: Any, cuts: Sequence[datetime]) -> np.ndarray:
    """Return the segment between cuts, numbered from 0, of each time (UTC without a zone)."""
    segments: np.ndarray = np.searchsorted(
        np.array(cuts, dtype="datetime64[us]"), np.asarray(times, dtype="datetime64[us]"), side="right"
    )
    return segments


def placed_in_cuts(rows: pyarrow.Table, cuts: Sequence[datetime]) -> pyarrow.Table:
    """Move roll-up rows that straddle cuts to the first second of a change that they straddle."""
    first, last = (rows.column(name).to_numpy().astype("datetime64[us]") for name in ("first_at", "last_at"))
    segments = segments_of(first, cuts)
    straddle = (segments != segments_of(last, cuts)) & (segments % 2 == 0)
    seconds = np.array([*cuts, utc(LAST)], dtype="datetime64[us]")
    adjusted = pyarrow.array(np.where(straddle, seconds[segments], first), pyarrow.timestamp("us"))
    return rows.set_column(rows.schema.get_field_index("first_at"), "first_at", adjusted)


def _newest_first(
    days: list[date], generation: Generation, low: datetime, high: datetime
) -> Iterator[tuple[datetime, datetime, list[date]]]:
    """Yield ranges of [low, high) with their days, which are given newest first, in batches of increasing size."""
    if days and (newest := generation.days[days[0]]).rows > MANY:
        edge = min(high, utc(newest.last_at) + SECOND) - LATE
        if max(low, datetime.combine(days[0], datetime.min.time())) < edge:
            yield edge, high, days[:1]
            yield low, edge, days[:1]
            days = days[1:]
    step = 1
    while days:
        yield low, high, days[:step]
        days = days[step:]
        step = step * 2


def _among_table(among: pd.DataFrame) -> pyarrow.Table:
    return to_table(among[[*ROLLED_KEYS, "first_at", "last_at"]])


def _days_of(rows: pd.DataFrame, days: list[date]) -> list[date]:
    """Return the days, given oldest first, that the time range of any row touches."""
    order = pd.DatetimeIndex(days, tz="UTC")
    first = order.searchsorted(rows["first_at"].dt.floor("D"))
    after = order.searchsorted(rows["last_at"], side="right")
    open_rows = np.cumsum(np.bincount(first, minlength=len(days) + 1) - np.bincount(after, minlength=len(days) + 1))
    return [day for day, count in zip(days, open_rows[:-1], strict=True) if count]


def _hours(day: date) -> list[datetime]:
    midnight = datetime.combine(day, datetime.min.time())
    return [midnight + timedelta(hours=hour) for hour in range(24)]


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _searched(number: str) -> str:
    return "".join(filter(str.isdigit, number)) or number.strip()
