"""The clock of this process, and detection of recorded times that lie in the future."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

DIFFER: Final = timedelta(minutes=5)
"""Tolerated clock difference: a time further ahead was recorded while a clock was wrong."""
TO_COME: Final = "at a time in the future"
"""Phrase for a time that was recorded while the clock was ahead: the elapsed time is unknown."""


class _Clock:
    """Holder of the current clock."""

    now: Callable[[], datetime] | None = None


def now() -> datetime:
    """Return the current time in UTC by the current clock."""
    return _Clock.now() if _Clock.now else datetime.now(UTC)


@contextmanager
def using(clock: Callable[[], datetime]) -> Iterator[None]:
    """
    Replace the clock of this process, so that outputs can be compared byte by byte.

    Args:
        clock: Function that returns the current time in UTC.
    """
    before = _Clock.now
    _Clock.now = clock
    try:
        yield
    finally:
        _Clock.now = before


def to_come(at: datetime, now: datetime) -> bool:
    """Return whether a recorded time lies in the future, because the clock was set back since."""
    return at > now + DIFFER
