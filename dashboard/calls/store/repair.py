"""Repair of damaged store files, so that a damaged day does not block the others, and renewal of roll-ups."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from dashboard.calls.ingest.merge import Merger
from dashboard.calls.store.generations import Generation
from dashboard.calls.store.own_numbers import (
    EVERY_NUMBER,
    OwnNumbers,
    own_numbers_of,
    relabeled,
    write_own_numbers,
)
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import StoreError


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
        made = Merger(store, base, work, None).count_again(days)
        store.generations.publish(replace(base, number=base.number + 1, days=made), base)
        return sum(base.days[day].rows for day in days)


def set_own_numbers(store: CallStore, numbers: Collection[str]) -> int:
    """
    Set the caller IDs that roll-ups keep in their key to the account's own numbers.

    Numbers of an earlier list stay in it. The roll-ups of days on which one of the new numbers called are computed
    again; of those past retention only the roll-up remains, which stays as it is.

    Args:
        store: The call store.
        numbers: The numbers, digits without ``+``.

    Returns:
        Number of days whose roll-up was computed again.

    Raises:
        BusyError: Another process is writing.
        StoreError: Calls are unreadable, or the disk cannot be written; the old roll-ups stay.
    """
    if _lists(store, store.generations.current(), numbers):
        return 0
    with store.generations.writing() as work:
        base = store.generations.current()
        if _lists(store, base, numbers):
            return 0
        before = own_numbers_of(store.generations, base.own_numbers)
        added = OwnNumbers(frozenset(numbers) - (before.numbers or frozenset()))
        name = write_own_numbers(store.generations, {*numbers, *(before.numbers or ())}, work)
        kept = [day for day, made in base.days.items() if not made.is_retired]
        changed = kept if before == EVERY_NUMBER else _days_of_callers(store, base, kept, added)
        listed = replace(base, number=base.number + 1, own_numbers=name)
        rolled = replace(listed, days=Merger(store, listed, work, None).roll_up_again(changed))
        store.generations.publish(relabeled(rolled, kept, name), base)
        return len(changed)


def _lists(store: CallStore, generation: Generation, numbers: Collection[str]) -> bool:
    """Return whether the store has a list, and the numbers are in it."""
    name = generation.own_numbers
    return bool(name) and own_numbers_of(store.generations, name).has(numbers)


def _days_of_callers(
    store: CallStore, generation: Generation, days: Collection[date], callers: OwnNumbers
) -> list[date]:
    """Return the days on which one of the callers placed a call without an X-Tag."""
    parts = [part for day in days for part in (*generation.days[day].calls, *generation.days[day].file_only)]
    asked = {"calls": store.parts(parts)}
    found = store.engine.fetch("days_of_callers", asked, what="look for own numbers", given=callers.tables)
    return sorted(found["day"].to_pylist())


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
        kept = {day: made for day, made in base.days.items() if day not in days}
        store.generations.publish(replace(base, number=base.number + 1, days=kept), base)
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
        chosen = {day: made for day, made in base.days.items() if made.file_only_rows and (not days or day in days)}
        if not chosen:
            return 0
        left = {
            day: replace(made, file_only=(), file_only_traffic=(), file_only_rows=0) if day in chosen else made
            for day, made in base.days.items()
        }
        left = {day: made for day, made in left.items() if made.rows or made.file_only_rows}
        store.generations.publish(replace(base, number=base.number + 1, days=left), base)
        return sum(made.file_only_rows for made in chosen.values())


def _refuse_unknown(base: Generation, day: date, what: str) -> None:
    if day not in base.days:
        raise StoreError(f"The store has no calls of {day}, so there is nothing to {what}. Nothing was changed.")
