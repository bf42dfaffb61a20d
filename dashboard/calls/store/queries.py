"""
Queries of the roll-ups and of calls that need no attribution, each a file in ``sql/``.

Times are UTC. The roll-up is hourly, so ``since`` is rounded down to its hour and ``until`` up. Queries by PBX use the
attributed roll-up (``analytics.cube``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from dashboard.calls.store.engine import Engine, to_frame, utc
from dashboard.calls.store.generations import Generation, Generations
from dashboard.calls.store.own_numbers import OwnNumbers, own_numbers_of, unattributed_days
from dashboard.calls.store.rejects import Rejects, frame_of
from dashboard.core.errors import StoreError

LOCK_WAIT_S = 30.0
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
LAST = datetime(2100, 1, 1, tzinfo=UTC)
"""No call starts before ``FIRST``, or at ``LAST`` or later: the reader rejects such rows."""
HOUR = timedelta(hours=1)
TRIES = 3
"""Maximum attempts. A query is repeated if a writer removed its generation meanwhile, which takes two imports."""

Answer = TypeVar("Answer")


class Queries:
    """Queries of a store; use ``store.CallStore``."""

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
        """Name of the published generation, ``""`` if there is none: the cache key of everything read here."""
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
        """Return whether the list of own numbers is readable, or there is none."""
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


def asked_again(generations: Generations, question: Callable[[Generation], Answer]) -> Answer:
    """Run a query on the current generation; repeat it if the generation was removed during the read."""
    for _ in range(TRIES - 1):
        generation = generations.current()
        try:
            return question(generation)
        except StoreError:
            if generations.current_name() == generation.name:
                raise
    return question(generations.current())


def days_between(generation: Generation, low: datetime, high: datetime) -> list[date]:
    """Return the days that hold calls in [low, high), UTC without a zone, oldest first."""
    return sorted(
        day for day in generation.days if low.date() <= day and datetime.combine(day, datetime.min.time()) < high
    )


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
