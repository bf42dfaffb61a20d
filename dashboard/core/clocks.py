"""The clock of this process, and times of the past that are written as in the future."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

DIFFER: Final = timedelta(minutes=5)
"""By how much clocks may differ: a time that lies further ahead was written while one was wrong."""
TO_COME: Final = "at a time in the future"
"""How a sentence dates what was written while the clock was ahead: how long ago that was cannot be known."""


class _Clock:
    """Holder of the clock in use."""

    now: Callable[[], datetime] | None = None


def now() -> datetime:
    """Return the current time in UTC, by the clock in use."""
    return _Clock.now() if _Clock.now else datetime.now(UTC)


@contextmanager
def using(clock: Callable[[], datetime]) -> Iterator[None]:
    """
    Use another clock in this process, so that outputs can be compared byte by byte.

    Args:
        clock: Returns the current time in UTC.
    """
    before, _Clock.now = _Clock.now, clock
    try:
        yield
    finally:
        _Clock.now = before


def to_come(at: datetime, now: datetime) -> bool:
    """Whether a time of the past is written as one in the future, because the clock was set back since."""
    return at > now + DIFFER
