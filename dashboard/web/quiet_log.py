"""Log filter that limits each kind of server message to one per minute."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 60.0
MOST_KINDS: Final = 100
"""Further kinds share one limit, so that no client can fill the log with new kinds."""
SERVER_LOG: Final = "uvicorn.error"


class OncePerMinute(logging.Filter):
    """
    Logging filter that passes one record of each kind per minute.

    The kind of a record is its message before argument substitution. With an exception it includes the exception's type
    and source line, because all exceptions of the app have the same message.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Create a filter without history.

        Args:
            clock: Returns monotonic seconds.
        """
        super().__init__()
        self._clock = clock
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write a record; add to a written record how many of its kind were left out before it."""
        kind = _kind(record)
        now = self._clock()
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
    kind = str(record.msg)
    trace = record.exc_info[2] if record.exc_info else None
    if record.exc_info and record.exc_info[0] and trace:
        *_, (frame, line) = traceback.walk_tb(trace)
        kind += f" {record.exc_info[0].__qualname__} {frame.f_code.co_filename}:{line}"
    return kind


def install() -> None:
    """Add the filter to the web server's log."""
    logging.getLogger(SERVER_LOG).addFilter(OncePerMinute())
