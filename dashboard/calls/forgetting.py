"""Days that the store lets go of, so that one damaged file does not stand in the way of the others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from dashboard.calls.store import CallStore
from dashboard.errors import StoreError


def forget(store: CallStore, days: Collection[date]) -> int:
    """
    Let go of whole days, whether their files can be read or not; the others stay as they are.

    Args:
        store: The calls of one home.
        days: In UTC, as the files of the store are named.

    Returns:
        How many calls were on record for them.

    Raises:
        BusyError: Another process is writing.
        StoreError: The store has nothing of one of the days, or the disk does not let us; nothing is changed.
    """
    with store.generations.writing():
        base = store.generations.current()
        for day in sorted(days):
            if day not in base.days:
                raise StoreError(
                    f"The store has no calls of {day}, so there is nothing to forget. Nothing was changed."
                )
        kept = {day: made for day, made in base.days.items() if day not in days}
        store.generations.publish(replace(base, number=base.number + 1, days=kept), base)
        return sum(base.days[day].rows for day in days)
