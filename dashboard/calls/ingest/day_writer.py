"""Sync of staged days to disk and computation of their minute load while other days are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from threading import Lock

from dashboard.calls.ingest.day_parts import DayFacts
from dashboard.calls.ingest.minute_load import compute_day_load
from dashboard.calls.ingest.staged import Staged
from dashboard.calls.store.generations import seal

A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Kept:
    """A day that is synced to disk."""

    staged: Staged
    """Result of its file."""
    work: Path
    """Folder of its file."""
    spans: str


@dataclass
class DayWriter:
    """Days of all files of one import. Shared between threads."""

    _lock: Lock = field(default_factory=Lock)
    _days: dict[date, _Kept] = field(default_factory=dict)
    _weighed: set[date] = field(default_factory=set)
    """Days whose load is computed or being computed."""

    def keep(self, staged: Staged, days: Mapping[date, DayFacts], folder: Path, work: Path) -> None:
        """
        Sync days to disk, and compute the load of each whose previous day is synced, from this file or another.

        Args:
            staged: Result of the file; its ``facts`` are updated.
            days: The days.
            folder: Folder of their calls, each day in ``day=DAY``.
            work: Folder of the file, where the load is written.

        Raises:
            OSError: The disk rejects the write.
        """
        for day, facts in sorted(days.items()):
            part = folder / f"day={day}" / "calls.parquet"
            rolled = Path(facts.rolled)
            staged.facts[day] = replace(facts, sealed=(seal(part, f"{day}-calls"), seal(rolled, f"{day}-traffic")))
            for ready_day in self._add(day, _Kept(staged, work, facts.spans)):
                self._compute_load(ready_day)

    def forget(self, staged: Staged) -> None:
        """Discard the days of a file that must be read in another way."""
        with self._lock:
            staged.facts.clear()
            self._days = {day: synced for day, synced in self._days.items() if synced.staged is not staged}
            self._weighed &= self._days.keys()

    def _add(self, day: date, synced: _Kept) -> Iterable[date]:
        """Return the days now due for load computation, this one and the next, and claim them for this thread."""
        with self._lock:
            self._days[day] = synced
            ready = [
                candidate
                for candidate in (day, day + A_DAY)
                if candidate in self._days and candidate - A_DAY in self._days
            ]
            ready = [candidate for candidate in ready if candidate not in self._weighed]
            self._weighed.update(ready)
        return ready

    def _compute_load(self, day: date) -> None:
        with self._lock:
            synced = self._days.get(day)
            before = self._days.get(day - A_DAY)
        if synced is None or before is None:
            return
        load = compute_day_load(day, [before.spans, synced.spans], synced.work / f"{day}-load.parquet")
        with self._lock:
            if day in synced.staged.facts:
                synced.staged.facts[day] = replace(synced.staged.facts[day], load=str(load), after=before.spans)
