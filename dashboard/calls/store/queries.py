"""What all queries of stored calls share: the range of times, the days in it, and repetition after a removal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TypeVar

from dashboard.calls.store.generations import Generation, Generations
from dashboard.core.errors import StoreError

LOCK_WAIT_S = 30.0
"""Seconds that a writer waits for another one."""
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
LAST = datetime(2100, 1, 1, tzinfo=UTC)
"""No call starts before ``FIRST``, or at ``LAST`` or later: the reader rejects such rows."""
TRIES = 3
"""Maximum attempts. A query is repeated if a writer removed its generation meanwhile, which takes two imports."""

Answer = TypeVar("Answer")


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
