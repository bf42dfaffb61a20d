"""Repair of damaged store files, so that a damaged day does not block the others, and renewal of roll-ups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from dashboard.calls.ingest.merge import BATCH_ROWS, Merger
from dashboard.calls.store.generations import Generation
from dashboard.calls.store.own_numbers import OwnNumbers, own_numbers_of, write_own_numbers
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import DamagedFileError, StoreError
from dashboard.core.progress import Progress


@dataclass
class Renewal:
    """Result of a renewal of roll-ups."""

    rolled_up: set[date] = field(default_factory=set)
    """Days whose roll-up was computed again."""
    covered: set[date] = field(default_factory=set)
    """Days whose roll-up has the new list in its key, with those on which no new number called."""
    unreadable: dict[date, str] = field(default_factory=dict)
    """Days that keep their old roll-up because their calls cannot be read, each with a sentence that has the cure."""
    stopped: bool = False
    """Whether the renewal was stopped; the next one continues it."""


def repair(store: CallStore, days: Collection[date]) -> int:
    """
    Recompute the hourly and per-minute roll-ups of days from their calls.

    Args:
        store: The call store.
        days: Days in UTC, as the files of the store are named.

    Returns:
        Number of calls on these days, none of which changes.

    Raises:
        BusyError: Another process is writing.
        StoreError: Single calls of one of the days, or of the day before, are missing or unreadable, or the disk cannot
            be written; nothing is changed.
    """
    with store.generations.writing() as work:
        base = store.generations.current()
        for day in sorted(days):
            _refuse_unknown(base, day, "repair")
            if base.days[day].is_retired:
                raise StoreError(
                    f"The store has only the sums of {day}: its calls are older than calls are kept, and cannot be "
                    f"counted again. Restore the file from a backup, or run: trunkgate calls forget {day}."
                )
        repaired = Merger(store, base, work, None).recount_days(days)
        store.generations.publish(replace(base, number=base.number + 1, days=repaired), base)
        return sum(base.days[day].rows for day in days)


def set_own_numbers(
    store: CallStore,
    numbers: Collection[str],
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Renewal:
    """
    Set the caller IDs that roll-ups keep in their key to the account's own numbers.

    Numbers of an earlier list stay in it, unless that list is unreadable. The roll-ups of days on which one of the new
    numbers called are computed again; of those past retention only the roll-up remains, which stays as it is. Days
    whose calls are unreadable keep their roll-up too; each call of this function tries them again.

    Args:
        store: The call store.
        numbers: The numbers, digits without ``+``.
        progress: Called with the day being counted and the share done, 0 to 1.
        stop: Polled between batches of days; True ends the renewal, and the finished days are published.
        batch_rows: Maximum number of calls of days that are counted together.

    Returns:
        The days that were renewed, and those that are unreadable.

    Raises:
        BusyError: Another process is writing.
        StoreError: The disk cannot be written; the old roll-ups stay.
    """
    if _is_set(store, store.generations.current(), numbers):
        return Renewal()
    with store.generations.writing() as work:
        base = store.generations.current()
        if _is_set(store, base, numbers):
            return Renewal()
        listed = own_numbers_of(store.generations, base.own_numbers)
        name = base.own_numbers
        if not name or not listed.has(numbers):
            name = write_own_numbers(store.generations, {*numbers, *(listed.numbers or ())}, work)
        named = replace(base, number=base.number + 1, own_numbers=name)
        merger = Merger(store, named, work, None)
        batches = merger.batches(_uncovered(base, name), batch_rows)
        renewal = _renewed(store, named, merger, [*batches], progress or _silent, stop or _go_on)
        days = {
            day: merger.merged(day)
            if day in renewal.rolled_up
            else replace(content, own_numbers=name)
            if day in renewal.covered
            else content
            for day, content in base.days.items()
        }
        left = _uncovered(base, name) - renewal.covered
        unreadable = sorted(renewal.unreadable.keys() | left.intersection(base.unreadable))
        content = replace(named, days=days, unreadable=tuple(unreadable))
        if replace(content, number=base.number) != base:
            store.generations.publish(content, base)
        return renewal


def _is_set(store: CallStore, generation: Generation, numbers: Collection[str]) -> bool:
    """Return whether the store has a list with the numbers, and every roll-up that can be renewed has that list."""
    name = generation.own_numbers
    return bool(name) and own_numbers_of(store.generations, name).has(numbers) and not _uncovered(generation, name)


def _uncovered(generation: Generation, name: str) -> set[date]:
    """Return the days with calls whose roll-up was made with another list."""
    return {day for day, made in generation.days.items() if not made.is_retired and made.own_numbers != name}


def _renewed(
    store: CallStore,
    generation: Generation,
    merger: Merger,
    batches: Sequence[Sequence[date]],
    progress: Progress,
    stop: Callable[[], bool],
) -> Renewal:
    """Compute the roll-ups of days that lack a number of the list, batch by batch."""
    renewal = Renewal()
    wanted = own_numbers_of(store.generations, generation.own_numbers).numbers or frozenset()
    days = sum(map(len, batches))
    done = 0
    for batch in batches:
        if stop():
            renewal.stopped = True
            break
        progress(f"Counting the calls of {batch[0]:%Y-%m-%d} again", done / days)
        again, unreadable = _lacking(store, generation, batch, wanted)
        renewal.unreadable |= unreadable | _each_readable(again, merger.recompute_rollups)
        renewal.rolled_up |= set(again) - renewal.unreadable.keys()
        renewal.covered |= set(batch) - renewal.unreadable.keys()
        done += len(batch)
    return renewal


def _lacking(
    store: CallStore, generation: Generation, batch: Sequence[date], wanted: frozenset[str]
) -> tuple[list[date], dict[date, str]]:
    """Return the days whose roll-up lacks calls of the wanted numbers in its key, and the days that are unreadable."""
    lacking: list[date] = []
    unreadable: dict[date, str] = {}
    for name in {generation.days[day].own_numbers for day in batch}:
        days = [day for day in batch if generation.days[day].own_numbers == name]
        before = own_numbers_of(store.generations, name)
        if not before.is_readable or before.numbers is None:
            lacking += days
        elif added := wanted - before.numbers:
            unreadable |= _each_readable(days, partial(_add_days_of_callers, lacking, store, generation, added))
    return sorted(lacking), unreadable


def _each_readable(days: Sequence[date], work: Callable[[Sequence[date]], None]) -> dict[date, str]:
    """
    Do work on days together, and leave out those whose files are damaged, found by halving.

    Returns:
        The days that were left out, each with a sentence that has the cure.
    """
    if not days:
        return {}
    try:
        work(days)
    except DamagedFileError as exc:
        if len(days) == 1:
            return {days[0]: str(exc)}
        middle = len(days) // 2
        return _each_readable(days[:middle], work) | _each_readable(days[middle:], work)
    return {}


def _add_days_of_callers(
    found: list[date], store: CallStore, generation: Generation, numbers: frozenset[str], days: Sequence[date]
) -> None:
    """Add the days on which one of the numbers placed a call without an X-Tag."""
    callers = OwnNumbers(numbers)
    parts = [part for day in days for part in (*generation.days[day].calls, *generation.days[day].file_only)]
    asked = {"calls": store.parts(parts)}
    rows = store.engine.fetch("days_of_callers", asked, operation="look for own numbers", tables=callers.tables)
    found += rows["day"].to_pylist()


def forget(store: CallStore, days: Collection[date]) -> int:
    """
    Remove days, whether or not their files are readable; other days stay unchanged.

    Args:
        store: The call store.
        days: Days in UTC, as the files of the store are named.

    Returns:
        Number of calls recorded for these days.

    Raises:
        BusyError: Another process is writing.
        StoreError: The store does not have one of the days, or the disk cannot be written; nothing is changed.
    """
    with store.generations.writing():
        base = store.generations.current()
        for day in sorted(days):
            _refuse_unknown(base, day, "forget")
        remaining = {day: content for day, content in base.days.items() if day not in days}
        store.generations.publish(replace(base, number=base.number + 1, days=remaining), base)
        return sum(base.days[day].rows + base.days[day].file_only_rows for day in days)


def drop_file_only(store: CallStore, days: Collection[date] = ()) -> int:
    """
    Remove the calls that are in imported files but not in the carrier's export of their time.

    Args:
        store: The call store.
        days: Days in UTC; every day if empty.

    Returns:
        Number of calls removed.

    Raises:
        BusyError: Another process is writing.
        StoreError: One of the days has no such call, or the disk cannot be written; nothing is changed.
    """
    with store.generations.writing():
        base = store.generations.current()
        for day in sorted(days):
            if day not in base.days or not base.days[day].file_only_rows:
                raise StoreError(
                    f"Every stored call of {day} counts, so there is nothing to drop. Nothing was changed."
                )
        affected = {
            day: content for day, content in base.days.items() if content.file_only_rows and (not days or day in days)
        }
        if not affected:
            return 0
        remaining = {
            day: replace(content, file_only=(), file_only_traffic=(), file_only_rows=0) if day in affected else content
            for day, content in base.days.items()
        }
        remaining = {day: content for day, content in remaining.items() if content.rows or content.file_only_rows}
        store.generations.publish(replace(base, number=base.number + 1, days=remaining), base)
        return sum(content.file_only_rows for content in affected.values())


def _refuse_unknown(base: Generation, day: date, operation: str) -> None:
    if day not in base.days:
        raise StoreError(f"The store has no calls of {day}, so there is nothing to {operation}. Nothing was changed.")


def _silent(_what: str, _share: float) -> None:
    """Ignore progress."""


def _go_on() -> bool:
    return False
