"""
Merging of staged calls into the days of the store, a few days at a time.

A day that the store does not have, and in which no call occurs twice, is adopted as staged. Any other day is compared
with the store call by call and rewritten. Each changed day gets new roll-ups.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from dashboard.calls.ingest.day_parts import DayFacts
from dashboard.calls.ingest.minute_load import compute_day_load, compute_load, write_load
from dashboard.calls.ingest.staged import Staged, rows_in
from dashboard.calls.store.engine import run, utc
from dashboard.calls.store.generations import Day, Generation
from dashboard.calls.store.own_numbers import list_of_new
from dashboard.calls.store.store import CallStore

BATCH_ROWS = 400_000
"""Maximum rows of days processed together: few enough for memory, enough to be fast."""
AT_ONCE = 2
"""Days whose load is computed at the same time."""
NEVER = datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without a zone
A_DAY = timedelta(days=1)
Window = tuple[datetime, datetime]
MOVED = pyarrow.schema(
    [("moved_id", pyarrow.string()), ("before_day", pyarrow.date32()), ("after_day", pyarrow.date32())]
)

ORIGIN_NAMES = ("carrier", "imported", "file_only")
"""Origin of a stored call: the carrier's export; a file, and no export covers its time; a file, and the export that
covers its time does not have it."""
ORIGINS = pyarrow.schema([("part", pyarrow.string()), ("origin", pyarrow.string())])


@dataclass
class Merged:
    """Merged days, and the number of new calls per file."""

    days: dict[date, Day]
    kept: dict[int, int] = field(default_factory=dict)
    late: dict[int, int] = field(default_factory=dict)
    """Calls per file that are past the retention of single calls."""


class Merger:
    """Merger of the days of one import."""

    def __init__(
        self, store: CallStore, base: Generation, work: Path, window: Window | None, *, by_carrier: bool = False
    ) -> None:
        """
        Prepare the merge.

        Args:
            store: The call store.
            base: Generation that the import starts from.
            work: Folder for new files.
            window: Period in which the files replace the carrier's calls; ``None`` for none.
            by_carrier: The files are the carrier's export, not files imported by an operator.
        """
        self._store = store
        self._base = base
        self._work = work
        self._window = window
        self._by_carrier = by_carrier
        self._own, self._own_name = list_of_new(store.generations, base)
        self._merged = Merged(dict(base.days))
        self._facts = dict[date, DayFacts]()
        self._spans: dict[date, str] = {}
        """Files of ``minute_load.spans_of``, by day, for days adopted as staged."""
        self._rows: dict[str, int] = {}
        """Row counts of parts that were in memory as columns."""
        self._moved = MOVED.empty_table()

    def run(
        self, staged: Sequence[Staged], progress: Callable[[str, float], None], stop: Callable[[], bool]
    ) -> Merged | None:
        """
        Merge day by day.

        Args:
            staged: The files, in order.
            progress: Called with the day being stored and the share done, 0 to 1.
            stop: Polled between batches of days; True stops the merge.

        Returns:
            The merged days; ``None`` if stopped.
        """
        parts: dict[date, dict[int, list[str]]] = {}
        for number, file in enumerate(staged):
            for day, day_parts in file.days.items():
                if self._retired(day):
                    self._merged.late[number] = self._merged.late.get(number, 0) + self._rows_of(day_parts)
                else:
                    parts.setdefault(day, {})[number] = day_parts
            self._facts |= file.facts
            self._rows |= {part: facts.rows for day, facts in file.facts.items() for part in file.days[day]}
        imported_days = {*parts, *self._window_days()}
        if any(file.days.keys() != file.facts.keys() or file.has_ids() for file in staged):
            self._moved = self._find_moved(imported_days, parts)
        joined = set(self._moved.column("after_day").to_pylist())
        linked = joined | set(self._moved.column("before_day").to_pylist())
        touched = sorted(imported_days | linked)
        compared = self._base.days.keys() | linked
        sizes = {day: sum(self._rows_of(day_parts) for day_parts in parts.get(day, {}).values()) for day in touched}
        for day in self._base.days.keys() & sizes.keys():
            sizes[day] += self._base.days[day].rows + self._base.days[day].file_only_rows
        stored_days = 0
        for batch in _batches(sizes, joined):
            if stop():
                return None
            progress(f"Storing {batch[0]:%Y-%m-%d}", stored_days / len(touched))
            stored_days += len(batch)
            with self._store.engine.cursor("store the calls of an import", macros=True) as cursor:
                self._adopt_new(cursor, [day for day in batch if day not in compared], parts)
                self._compare(cursor, [day for day in batch if day in compared], parts)
        self._compute_loads()
        return self._merged

    def recount_days(self, days: Collection[date]) -> dict[date, Day]:
        """Return all days, with the roll-ups of the given days recomputed from their calls."""
        for batch in self.batches(days):
            self.recompute_rollups(batch)
            self._compute_batch_load(batch)
        return self._merged.days

    def batches(self, days: Collection[date], most_rows: int = BATCH_ROWS) -> Iterator[list[date]]:
        """Yield days of the store, oldest first, as many together as ``most_rows`` calls allow."""
        yield from _batches({day: self._base.days[day].rows for day in sorted(days)}, most_rows=most_rows)

    def merged(self, day: date) -> Day:
        """Return a day as it is after what was done so far."""
        return self._merged.days[day]

    def recompute_rollups(self, days: Sequence[date]) -> None:
        """Recompute the hourly roll-ups of days, one batch, from their calls."""
        with self._store.engine.cursor("count calls again") as cursor:
            self._roll_up(cursor, {day: self._with_paths(day) for day in days})
            self._roll_up_file_only(cursor, days)

    def _find_moved(self, touched: Collection[date], parts: Mapping[date, Mapping[int, list[str]]]) -> pyarrow.Table:
        """Return the IDs of calls that moved between days, with both days; such days are compared together."""
        around = {
            neighbor for day in touched for neighbor in (day - A_DAY, day, day + A_DAY) if neighbor in self._base.days
        }
        values = {
            "staged": [part for of_day in parts.values() for day_parts in of_day.values() for part in day_parts],
            "calls": self._store.parts(part for day in around for part in self._origins_of(day)),
        }
        return self._store.engine.fetch("moved", values, operation="look for calls that moved over midnight")

    def _adopt_new(
        self, cursor: duckdb.DuckDBPyConnection, days: Sequence[date], parts: Mapping[date, Mapping[int, list[str]]]
    ) -> None:
        """
        Adopt days that the store does not have as staged; compare those in which a call occurs twice.

        If a day's rows were fingerprinted in two ways, in memory and by DuckDB, duplicates cannot be ruled out, so the
        day is compared.
        """
        if not days:
            return
        staged = {day: tuple(part for day_parts in parts[day].values() for part in day_parts) for day in days}
        facts_by_day = {day: self._facts[day] for day in days if len(staged[day]) == 1 and day in self._facts}
        accepted = {
            day: self._new_day(staged[day], facts.rows, *facts.ends())
            for day, facts in facts_by_day.items()
            if facts.all_differ
        }
        alike = [
            day for day in days if day not in facts_by_day and len({part in self._rows for part in staged[day]}) == 1
        ]
        if unchecked := [part for day in alike for part in staged[day]]:
            for day, rows, all_differ, first_at, last_at in run(cursor, "day_sums", {"calls": unchecked}).fetchall():
                if all_differ:
                    accepted[day] = self._new_day(staged[day], rows, first_at, last_at)
        for day in accepted:
            for number, day_parts in parts[day].items():
                self._count(number, self._rows_of(day_parts))
        self._roll_up(cursor, {day: content for day, content in accepted.items() if day not in facts_by_day})
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="take days") as pool:
            adoptable = sorted(facts_by_day.keys() & accepted.keys())
            list(
                pool.map(
                    lambda day: self._adopt(
                        day, accepted[day], [Path(facts_by_day[day].rolled)], facts_by_day[day].sealed
                    ),
                    adoptable,
                )
            )
        self._spans |= {day: facts_by_day[day].spans for day in adoptable}
        self._compare(cursor, [day for day in days if day not in accepted], parts)

    def _new_day(self, parts: tuple[str, ...], rows: int, first_at: datetime, last_at: datetime) -> Day:
        """Return a day that the store did not have."""
        return replace(_day(parts, rows, first_at, last_at), imported=() if self._by_carrier else parts)

    def _compare(
        self, cursor: duckdb.DuckDBPyConnection, days: Sequence[date], parts: Mapping[date, Mapping[int, list[str]]]
    ) -> None:
        """Compare days with the store; write those that change."""
        if not days:
            return
        files = [
            {"part": part, "file_no": number, "part_no": part_no}
            for day in days
            for number, day_parts in parts.get(day, {}).items()
            for part_no, part in enumerate(day_parts)
        ]
        names = ("part", "file_no", "part_no")
        cursor.register("moved", self._moved)
        cursor.register("files", pyarrow.table({name: [file[name] for file in files] for name in names}))
        origins = {
            str(self._store.generations.path(name)): of for day in days for name, of in self._origins_of(day).items()
        }
        cursor.register("origins", pyarrow.table({"part": [*origins], "origin": [*origins.values()]}, schema=ORIGINS))
        values = {
            "staged": [file["part"] for file in files],
            "known": [*origins],
            "by_carrier": self._by_carrier,
            "replaced_from": utc(self._window[0]) if self._window else NEVER,
            "replaced_until": utc(self._window[1]) if self._window else NEVER,
        }
        run(cursor, "merge", values)
        for number, stored in run(cursor, "file_changes", {}).fetchall():
            self._count(number, stored)
        changed_days: dict[date, Day] = {}
        for day, *counts, changed, first_at, last_at in run(cursor, "day_changes", {}).fetchall():
            if changed and not any(counts):
                del self._merged.days[day]
            elif changed:
                changed_days[day] = self._write_day(
                    cursor, day, dict(zip(ORIGIN_NAMES, counts, strict=True)), first_at, last_at
                )
        self._roll_up(cursor, changed_days)
        self._roll_up_file_only(cursor, sorted(changed_days))
        cursor.execute("DROP TABLE merged")

    def _write_day(
        self,
        cursor: duckdb.DuckDBPyConnection,
        day: date,
        counts: Mapping[str, int],
        first_at: datetime,
        last_at: datetime,
    ) -> Day:
        """Write the calls of a day, one file per origin."""
        paths = {origin: str(self._work / f"{day}-{origin}.parquet") for origin, count in counts.items() if count}
        for origin, path in paths.items():
            run(cursor, "day", {"day": day, "origin": origin}, target=Path(path))
        calls = tuple(paths[origin] for origin in ("carrier", "imported") if origin in paths)
        return replace(
            _day(calls, counts["carrier"] + counts["imported"], first_at, last_at),
            imported=tuple(paths[origin] for origin in ("imported",) if origin in paths),
            file_only=tuple(paths[origin] for origin in ("file_only",) if origin in paths),
            file_only_rows=counts["file_only"],
        )

    def _roll_up(self, cursor: duckdb.DuckDBPyConnection, days: Mapping[date, Day]) -> None:
        """Compute the roll-up of days, and move calls and roll-ups into the store's parts."""
        if not days:
            return
        rolled = self._rolled(cursor, {day: content.calls for day, content in days.items()})
        for day, content in days.items():
            self._adopt(day, content, rolled.get(day, ()))

    def _roll_up_file_only(self, cursor: duckdb.DuckDBPyConnection, days: Sequence[date]) -> None:
        """Compute the roll-up of calls that count in no total."""
        merged = self._merged.days
        parts = {day: tuple(self._store.parts(merged[day].file_only)) for day in days if merged[day].file_only}
        for day, rolled in self._rolled(cursor, parts).items():
            names = tuple(self._store.generations.adopt(part, f"{day}-file-only-traffic") for part in rolled)
            merged[day] = replace(merged[day], file_only_traffic=names)

    def _rolled(
        self, cursor: duckdb.DuckDBPyConnection, days: Mapping[date, tuple[str, ...]]
    ) -> Mapping[date, Sequence[Path]]:
        """Return the roll-up files of each day, computed from the given parts."""
        calls = [part for parts in days.values() for part in parts]
        if not calls:
            return {}
        values: dict[str, Any] = {
            "calls": calls,
            "since": _midnight(min(days)),
            "until": _midnight(max(days) + A_DAY),
            "hours": None,
            "cuts": [],
            **self._own.parameters,
        }
        for name, table in self._own.tables.items():
            cursor.register(name, table)
        return self._write(cursor, "rollup", values, "hour_at")

    def _adopt(self, day: date, content: Day, rolled: Sequence[Path], sealed: tuple[str, str] = ("", "")) -> None:
        """Move the parts of a day and of its roll-up into the store."""
        adopt, (calls, traffic) = self._store.generations.adopt, sealed
        names = {part: adopt(Path(part), f"{day}-calls", calls) for part in content.calls}
        self._merged.days[day] = replace(
            content,
            calls=tuple(names.values()),
            imported=tuple(names[part] for part in content.imported),
            traffic=tuple(adopt(part, f"{day}-traffic", traffic) for part in rolled),
            file_only=tuple(adopt(Path(part), f"{day}-file-only") for part in content.file_only),
            own_numbers=self._own_name,
        )

    def _write(
        self, cursor: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, Any], time: str
    ) -> dict[date, list[Path]]:
        """Write the rows of a query by day; return the files of each day."""
        folder = self._work / name
        shutil.rmtree(folder, ignore_errors=True)
        run(cursor, name, values, target=folder, by_day=time)
        return {date.fromisoformat(day.name.removeprefix("day=")): sorted(day.iterdir()) for day in folder.iterdir()}

    def _compute_loads(self) -> None:
        """Compute the minute load of changed days and of the days after them, into which calls extend."""
        days = self._merged.days
        before = self._base.days
        changed = {day for day in days.keys() | before.keys() if days.get(day) != before.get(day)}
        affected = sorted(
            day for day in {*changed, *(day + A_DAY for day in changed)} if day in days and days[day].calls
        )
        with_spans = {
            day
            for day in affected
            if all(neighbor in self._spans or neighbor not in days for neighbor in (day - A_DAY, day))
        }
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="weigh days") as pool:
            list(pool.map(self._store_known_load, sorted(with_spans)))
        for batch in _batches({day: days[day].rows for day in affected if day not in with_spans}):
            self._compute_batch_load(batch)

    def _loaded(self, day: date, path: Path) -> None:
        """Store the minute load of a day."""
        load = (self._store.generations.adopt(path, f"{day}-load"),)
        self._merged.days[day] = replace(self._merged.days[day], load=load)

    def _store_known_load(self, day: date) -> None:
        """Store the load of a day whose calls and previous day were in memory; compute it unless that is done."""
        facts = self._facts[day]
        before = self._spans.get(day - A_DAY, "")
        if facts.load and facts.after == before:
            self._loaded(day, Path(facts.load))
        else:
            around = [*filter(None, (before,)), self._spans[day]]
            self._loaded(day, compute_day_load(day, around, self._work / f"{day}-load.parquet"))

    def _compute_batch_load(self, batch: Sequence[date]) -> None:
        """Compute the load of several days from the stored calls."""
        days = self._merged.days
        since = _midnight(batch[0])
        until = _midnight(batch[-1] + A_DAY)
        around = sorted({*batch, *(day - A_DAY for day in batch if day - A_DAY in days)})
        calls = self._store.parts(part for day in around for part in days[day].calls)
        values = {"calls": calls, "since": since, "until": until}
        started = self._store.engine.fetch("load", values, operation="count the load of an import")
        minutes = compute_load(started, since, until)
        of_day = pyarrow.compute.cast(minutes.column("minute_at"), pyarrow.date32())
        for day in batch:
            day_minutes = minutes.filter(pyarrow.compute.equal(of_day, day))
            self._loaded(day, write_load(day_minutes, self._work / f"{day}-load.parquet"))

    def _with_paths(self, day: date) -> Day:
        """Return a stored day with the paths of its calls; adopted again, the parts keep their names."""
        stored = self._base.days[day]
        calls, imported, file_only = (
            tuple(self._store.parts(names)) for names in (stored.calls, stored.imported, stored.file_only)
        )
        return replace(stored, calls=calls, imported=imported, file_only=file_only)

    def _calls_of(self, day: date) -> tuple[str, ...]:
        return self._base.days[day].calls if day in self._base.days else ()

    def _origins_of(self, day: date) -> dict[str, str]:
        """Return the parts of a day that hold single calls, with the origin of the calls in each."""
        if day not in self._base.days:
            return {}
        stored = self._base.days[day]
        origins = {part: "imported" if part in stored.imported else "carrier" for part in stored.calls}
        return origins | dict.fromkeys(stored.file_only, "file_only")

    def _rows_of(self, parts: Sequence[str]) -> int:
        return sum(self._rows[part] if part in self._rows else rows_in(part) for part in parts)

    def _count(self, number: int, rows: int) -> None:
        self._merged.kept[number] = self._merged.kept.get(number, 0) + rows

    def _retired(self, day: date) -> bool:
        """Return whether only the roll-up of a day remains, so that its calls can no longer be compared."""
        return day in self._base.days and self._base.days[day].is_retired

    def _window_days(self) -> Iterator[date]:
        if self._window is None:
            return
        first = utc(self._window[0]).date()
        last = utc(self._window[1]).date()
        yield from (day for day in self._base.days if first <= day <= last and not self._retired(day))


def _batches(
    sizes: Mapping[date, int], joined: Collection[date] = (), *, most_rows: int = BATCH_ROWS
) -> Iterator[list[date]]:
    """Yield days in batches; days of ``joined`` stay with the day before them."""
    batch: list[date] = []
    rows = 0
    for day, size in sizes.items():
        if batch and rows + size > most_rows and day not in joined:
            yield batch
            batch = []
            rows = 0
        batch.append(day)
        rows += size
    if batch:
        yield batch


def _day(calls: tuple[str, ...], rows: int, first_at: datetime, last_at: datetime) -> Day:
    return Day(calls, (), (), rows, first_at.replace(tzinfo=UTC), last_at.replace(tzinfo=UTC))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())
