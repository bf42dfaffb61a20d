"""Limit each kind of server log message to one a minute."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 60.0
MOST_KINDS: Final = 100
"""More kinds than this share one limit, so that no client can fill the log with new ones."""
SERVER_LOG: Final = "uvicorn.error"


class OncePerMinute(logging.Filter):
    """
    Pass one record of each kind a minute.

    The kind of a record is its message before values are filled in; with an exception also the type of the exception
    and where it was raised, because all exceptions of the app have the same message.
    """

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
        """Return whether a record is written; the next one of its kind that is states how many were left out."""
        kind, now = _kind(record), self._clock()
        if kind not in self._last and len(self._last) >= MOST_KINDS:
            kind = ""
        if now - self._last.get(kind, float("-inf")) < EVERY_S:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._last[kind] = now
        if count := self._left_out.pop(kind, 0):
            record.msg = f"{record.getMessage().rstrip()} ({count:,} more like this were left out of the log.)"
            record.args = None
        return True


def _kind(record: logging.LogRecord) -> str:
    kind, trace = str(record.msg), record.exc_info[2] if record.exc_info else None
    if record.exc_info and record.exc_info[0] and trace:
        *_, (frame, line) = traceback.walk_tb(trace)
        kind += f" {record.exc_info[0].__qualname__} {frame.f_code.co_filename}:{line}"
    return kind


def install() -> None:
    """Limit what the web server writes to its log."""
    logging.getLogger(SERVER_LOG).addFilter(OncePerMinute())
