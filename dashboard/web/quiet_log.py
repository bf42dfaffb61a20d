"""What strangers can make the web server say is said at most once a minute, with how often it was left out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 60.0
MOST_KINDS: Final = 100
"""Kinds of messages that are told apart; there are a few, and a stranger must not be able to make more."""
SERVER_LOG: Final = "uvicorn.error"


class OncePerMinute(logging.Filter):
    """Let one record of each kind through a minute. Its kind is its message before values are filled in."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Count from now.

        Args:
            clock: Seconds, never going back.
        """
        super().__init__()
        self._clock = clock
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is written; the next one that is says how many were not."""
        kind, now = str(record.msg), self._clock()
        if kind not in self._last and len(self._last) >= MOST_KINDS:
            kind = ""
        if now - self._last.get(kind, float("-inf")) < EVERY_S:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._last[kind] = now
        if count := self._left_out.pop(kind, 0):
            record.msg = f"{record.getMessage()} ({count:,} more like this were left out of the log.)"
            record.args = None
        return True


def install() -> None:
    """Bound what the web server writes to its log."""
    logging.getLogger(SERVER_LOG).addFilter(OncePerMinute())
