"""Waiting for what other threads do."""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_S = 60


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds, and fail where it does not for ``WAIT_S`` seconds."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
