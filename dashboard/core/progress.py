"""Callbacks of long work: its progress and its early end, and the pair that stands in for omitted ones."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Callback for progress: a description of the current step, and the fraction done, 0 to 1."""

Stop = Callable[[], bool]
"""Callback between steps; True ends the work early."""


def no_progress(*_args: object) -> None:
    """Ignore progress."""


def never_stop() -> bool:
    """Return False: the work runs to its end."""
    return False
