"""Signals: events of this process, and the callbacks that run when one occurs."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Signal:
    """An event that occurs repeatedly. Safe to share between threads."""

    def __init__(self) -> None:
        """Start without callbacks."""
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def connect(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` each time the event occurs, in the thread in which it occurs."""
        with self._lock:
            self._callbacks.append(callback)

    def disconnect(self, callback: Callable[[], None]) -> None:
        """Do not call ``callback`` any more; nothing happens if it is not connected."""
        with self._lock:
            self._callbacks = [one for one in self._callbacks if one != callback]

    def send(self) -> None:
        """Run the callbacks, in the order in which they were connected."""
        with self._lock:
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()
