"""
Questions to the roll-ups and to the calls that need no attribution, each a file in ``sql/``.

Times are UTC. The roll-up is by the hour, so ``since`` is rounded down to its hour and ``until`` up.
Questions by PBX are answered from the attributed roll-up (``cube``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from dashboard.calls.store.engine import Engine, to_frame, utc
from dashboard.calls.store.generations import Generation, Generations
from dashboard.calls.store.rejects import Rejects, frame_of
from dashboard.core.errors import StoreError

LOCK_WAIT_S = 30.0
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
LAST = datetime(2100, 1, 1, tzinfo=UTC)
"""No call starts before ``FIRST`` or at ``LAST`` or later: the reader keeps such rows aside."""
HOUR = timedelta(hours=1)
TRIES = 3
"""A question is asked again where a writer took its generation away meanwhile, which takes two imports."""

Answer = TypeVar("Answer")


class Queries:
    """A store that can be asked; ``store.CallStore`` is the one to use."""

    def __init__(self, home: Path, *, lock_wait_s: float = LOCK_WAIT_S, spill: Path | None = None) -> None:
        """
        Open the store; nothing is made on disk before the first import.

        Args:
            home: State folder; the store is its folder ``calls``.
            lock_wait_s: How long a writer waits for another one.
            spill: Folder for what does not fit into memory, where the home cannot be written.
        """
        self.generations = Generations(home / "calls", lock_wait_s=lock_wait_s)
        self.engine = Engine(spill or home / "calls" / "spill")
        cure = "The calls are as they were; the next import begins the list anew."
        self.bad_rows = Rejects(self.engine, self.generations, cure)

    @property
    def digest(self) -> str:
        """Names the published generation, ``""`` when there is none: the cache key of everything read here."""
        return self.generations.current_name()

    def count(self) -> int:
        """Return how many calls there are."""
        return sum(day.rows for day in self.generations.current().days.values())

    def count_file_only(self) -> int:
        """Return how many calls are in imported files and not in the carrier's export of their time."""
        return sum(day.file_only_rows for day in self.generations.current().days.values())

    def last_imported_at(self) -> datetime | None:
        """Return up to when there may be calls that are known from imported files only and that no export covers."""
        days = self.generations.current().days.values()
        return max((day.last_at for day in days if day.imported), default=None)

    def last_exported_at(self) -> datetime | None:
        """
        Return when the last call of the carrier's exports started; ``None`` where no single one is stored.

        Of a day that also has calls from imported files only, it is the start of the day's first call.
        """
        days = [day for day in self.generations.current().days.values() if set(day.calls) - set(day.imported)]
        return max((day.first_at if day.imported else day.last_at for day in days), default=None)

    def span(self) -> tuple[datetime, datetime] | None:
        """Return when the first and the last call started; ``None`` where there is none."""
        days = self.generations.current().days.values()
        return (min(day.first_at for day in days), max(day.last_at for day in days)) if days else None

    def top_destinations(self, *, since: datetime, until: datetime | None = None, limit: int = 20) -> pd.DataFrame:
        """Return the numbers dialed that cost most: destination, zone, calls, duration_s, cost_usd, last_at."""
        return self._counted("top_destinations", since, until, limit=limit)

    def by_source(self, *, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """Return outbound calls by ``source_ip``, ``outcome`` and ``sip_status``, with all that ``metrics`` needs."""
        return self._rolled("by_source", since, until)

    def load(self, *, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """Return ``minute_at``, ``direction``, ``calls`` (starts), ``peak_1s``, ``concurrent``; see ``metrics``."""
        return self._frame("minutes", "load", utc(max(since, FIRST)), utc(min(until or LAST, LAST)), {})

    def first_seen(self, *, since: datetime = FIRST, until: datetime | None = None) -> pd.DataFrame:
        """Return when each source and destination was first called from or called: see ``metrics.first_seen``."""
        return self._rolled("first_seen", since, until)

    def rejects(self) -> pd.DataFrame:
        """
        Return the bad rows that were kept aside.

        Returns:
            ``file``, ``line`` (physical, from 1), ``column`` (``""`` where the row as such is
            broken), ``reason``, ``raw`` (cut at 2,000 characters), ``imported_at``.
        """
        return frame_of(self.ask(self.bad_rows.of))

    def ask(self, question: Callable[[Generation], Answer]) -> Answer:
        """Put a question to the current generation; again where it went away while it was read."""
        return asked_again(self.generations, question)

    def parts(self, names: Iterable[str]) -> list[str]:
        """Return where these parts lie, for the engine."""
        return [str(self.generations.path(name)) for name in names]

    def _rolled(self, name: str, since: datetime, until: datetime | None, **asked: Any) -> pd.DataFrame:
        low, high = _hour(utc(max(since, FIRST))), utc(min(until or LAST, LAST))
        high = high if high == _hour(high) else _hour(high) + HOUR
        return self._frame(name, "traffic", low, high, asked)

    def _counted(self, name: str, since: datetime, until: datetime | None, **asked: Any) -> pd.DataFrame:
        return self._frame(name, "calls", utc(max(since, FIRST)), utc(min(until or LAST, LAST)), asked)

    def _frame(self, name: str, kind: str, low: datetime, high: datetime, asked: dict[str, Any]) -> pd.DataFrame:
        def question(generation: Generation) -> pd.DataFrame:
            days = days_between(generation, low, high)
            parts = self.parts(part for day in days for part in generation.days[day].of(kind))
            parameters = {kind: parts, "since": low, "until": high, **asked}
            return to_frame(self.engine.fetch(name, parameters, what="answer a question about calls"))

        return self.ask(question)


def asked_again(generations: Generations, question: Callable[[Generation], Answer]) -> Answer:
    """Put a question to the current one of generations; again where it went away while it was read."""
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
