"""
Call store: the query interface for pages, checks and the replay.

Daily Parquet files with roll-ups (``generations``), queried with DuckDB (``engine``). Readers never lock: a query uses
the generation that was current when it started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow

from dashboard import schemas
from dashboard.calls.ingest.columns import ROLLED_KEYS
from dashboard.calls.store.engine import sanitize_table, to_frame, to_table, under, utc
from dashboard.calls.store.generations import Day, Generation
from dashboard.calls.store.own_numbers import OwnNumbers
from dashboard.calls.store.queries import FIRST, LAST, Queries, days_between
from dashboard.schemas.tables import FILE_ONLY

SECOND = timedelta(seconds=1)
HOUR_S = 3600
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


class CallStore(Queries):
    """Call store of one home folder."""

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
        name = "segments" if step == "segment" else "traffic"
        rows = self.rolled(name, since=since, until=until, split_at=split_at, file_only=file_only)
        if rows is None:
            return schemas.empty(schemas.TRAFFIC)
        return _marked(under(schemas.TRAFFIC, rows), file_only=file_only)

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
        rows = self.rolled("patterns", since=since, until=until, split_at=split_at, tables=tables, file_only=file_only)
        return schemas.empty(schemas.CALL_PATTERNS) if rows is None else under(schemas.CALL_PATTERNS, rows)

    def rolled(
        self,
        name: str,
        *,
        since: datetime,
        until: datetime | None,
        split_at: Sequence[datetime],
        tables: Mapping[str, pyarrow.Table] | None = None,
        file_only: bool = False,
        part_s: int = HOUR_S,
    ) -> pyarrow.Table | None:
        """
        Query the roll-up, using stored rows for whole hours and counting partial hours from the calls.

        Args:
            name: A query of ``sql/`` over ``{{traffic}}``, ``spans`` (``hour_at``, ``segment``) and ``rolled``.
            since: As in ``traffic``.
            until: As in ``traffic``.
            split_at: As in ``traffic``; ``segments_of`` numbers the segments between the instants.
            tables: More tables available to the query.
            file_only: As in ``traffic``.
            part_s: Seconds to which ``hour_at`` is rounded down in hours that are counted from the calls.

        Returns:
            The rows; ``None`` if there is no call in that time.
        """
        low = utc(max(since, FIRST))
        high = utc(min(until or LAST, LAST))
        cuts = cuts_of(split_at)
        partial = sorted({_hour(at) for at in (*cuts, *(edge for edge in (low, high) if edge != _hour(edge)))})

        def calls_of(day: Day) -> tuple[str, ...]:
            return day.file_only if file_only else day.calls

        def traffic_of(day: Day) -> tuple[str, ...]:
            return day.file_only_traffic if file_only else day.traffic

        def fetch(generation: Generation) -> pyarrow.Table | None:
            days = [day for day in days_between(generation, low, high) if traffic_of(generation.days[day])]
            if not days:
                return None
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
            traffic = {"traffic": self.parts(part for day in days for part in traffic_of(generation.days[day]))}
            inputs = {"spans": spans, "rolled": rolled, **(tables or {})}
            return self.engine.fetch(name, traffic, operation="read the roll-up", tables=inputs)

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
