"""
The one place for limits of time in tests: they are generous, because a busy machine is ten times slower.

A test waits for an event, by ``until`` or by what it started, for ``WAIT_S`` at most; only a test that fails waits so
long. What must not grow with everything (a reader that compares each with each) is held to ``SLOW_S``: done right it
takes a second or two, done wrong it takes hours. Nothing sleeps for a fixed time to let something happen; where a test
shows that nothing happens, which has no event, it waits for a moment and says so on the line.
"""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_S = 600
"""Limit of waiting for anything that is going to happen."""

WAIT_MS = WAIT_S * 1000
"""As ``WAIT_S``, for browsers."""

SLOW_S = 120
"""Limit of work that takes a second or two on a quiet machine."""

LOOK_EVERY_S = 0.05


def until(condition: Callable[[], object], *, going: Callable[[], bool] | None = None, say: str = "") -> None:
    """
    Wait until something holds.

    Args:
        condition: Asked again and again.
        going: Whether what is waited for can still happen, such as that a process runs.
        say: What to say where it does not hold for ``WAIT_S`` seconds.
    """
    end = time.monotonic() + WAIT_S
    while not condition():
        assert going is None or going() or condition(), say or "What was waited for has ended."
        assert time.monotonic() < end, say or f"Not within {WAIT_S} s."
        time.sleep(LOOK_EVERY_S)


def at_rest(value: Callable[[], object], for_s: float) -> object:
    """Wait until a value has not changed for so many seconds, and return it."""
    end = time.monotonic() + WAIT_S
    last = value()
    since = time.monotonic()
    while time.monotonic() - since < for_s:
        assert time.monotonic() < end, f"It still changed after {WAIT_S} s."
        time.sleep(LOOK_EVERY_S)
        if (now := value()) != last:
            last = now
            since = time.monotonic()
    return last
