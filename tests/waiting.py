"""
Time limits for tests, all in this module and generous, because a busy machine is ten times slower.

A test waits for an event, through ``until`` or through the call that it started, for at most ``WAIT_S``; only a failing
test waits that long. Work that must not grow quadratically, such as a reader that compares every row with every other,
is limited to ``SLOW_S``: a correct implementation takes a second or two, a quadratic one takes hours. No test sleeps
for a fixed time to let something happen. Where a test needs a pause nevertheless, such as one that shows that nothing
happens, or a server that answers slowly, its line states the reason; ``test_house.py`` holds each to it.
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


def until(
    condition: Callable[[], object],
    *,
    going: Callable[[], bool] | None = None,
    say: str | Callable[[], str] = "",
    every_s: float = LOOK_EVERY_S,
) -> None:
    """
    Wait until a condition is true.

    Args:
        condition: Polled until it is true.
        going: Whether the condition can still become true, e.g. whether a process runs.
        say: Failure message if the condition is not true within ``WAIT_S`` seconds, or a function that returns it.
        every_s: Pause between two polls.
    """

    def failure(otherwise: str) -> str:
        return (say if isinstance(say, str) else say()) or otherwise

    end = time.monotonic() + WAIT_S
    while not condition():
        assert going is None or going() or condition(), failure("The process that was waited for has ended.")
        assert time.monotonic() < end, failure(f"Not within {WAIT_S} s.")
        time.sleep(every_s)


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
