"""Clocks that differ or were wrong: times of the past that are written as in the future."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

DIFFER: Final = timedelta(minutes=5)
"""By how much clocks may differ: a time that lies further ahead was written while one was wrong."""
TO_COME: Final = "at a time in the future"
"""How a sentence dates what was written while the clock was ahead: how long ago that was cannot be known."""


def to_come(at: datetime, now: datetime) -> bool:
    """Whether a time of the past is written as one in the future, because the clock was set back since."""
    return at > now + DIFFER
