"""
Time limits for tests, all in this module and generous, because a busy machine is ten times slower.

A test waits for an event, through ``until`` or through the call that it started, for at most ``WAIT_S``; only a failing
test waits that long. Work that must not grow quadratically, such as a reader that compares every row with every other,
is limited to ``SLOW_S``: a correct implementation takes a second or two, a quadratic one takes hours. No test sleeps
for a fixed time to let something happen. A test that shows that nothing happens, for which there is no event, waits
briefly and states this on the line.
"""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_S = 600
"""Limit in seconds for any event that is expected to happen."""

WAIT_MS = WAIT_S * 1000
"""``WAIT_S`` in milliseconds, for browsers."""

SLOW_S = 120
"""Limit in seconds for work that takes a second or two on an idle machine."""

LOOK_EVERY_S = 0.05


def until(condition: Callable[[], object], *, going: Callable[[], bool] | None = None, say: str = "") -> None:
    """
    Wait until a condition is true.

    Args:
        condition: Polled until it is true.
        going: Whether the condition can still become true, e.g. whether a process runs.
        say: Failure message if the condition is not true within ``WAIT_S`` seconds.
    """
    end = time.monotonic() + WAIT_S
    while not condition():
        assert going is None or going() or condition(), say or "What was waited for has ended."
        assert time.monotonic() < end, say or f"Not within {WAIT_S} s."
        time.sleep(LOOK_EVERY_S)


def at_rest(value: Callable[[], object], for_s: float) -> object:
    """Wait until a value has not changed for ``for_s`` seconds and return it."""
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
