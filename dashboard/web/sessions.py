"""
The sessions of a running dashboard, kept by its server: whoever opened a link has one.

``current`` is the table of this process. The gate fills it and the pages look their session up in it; under any other
way of starting the pages it is empty, so nobody is let in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

LIFE_S: Final = 7 * 86400
"""How long a session lasts, by a clock that nobody sets."""
HEADER: Final = "x-trunkgate-session"
"""Carries the id of a session from the gate to the app; the gate removes it where a client sends it."""
PREFIX: Final = "x-trunkgate-"

Listener = Callable[[], None]


@dataclass
class Session:
    """One browser that opened a link."""

    made_by: str
    """The user of this machine who made the link."""
    link: str = ""
    """Number of the link."""
    name: str = ""
    """Of the person; empty until it is known."""
    vouched: bool = False
    """Whoever made the link gave the name; else the browser did, and nothing verifies it."""
    uid: int | None = None
    """Of the user of this machine who opened the link; ``None`` where the system does not tell."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    """Handed to the app in ``HEADER``. It opens nothing: only the cookie does."""
    until: float = field(default_factory=lambda: time.monotonic() + LIFE_S)
    """When it ends, on the monotonic clock."""
    listeners: list[Listener] = field(default_factory=list, repr=False)
    """Called once when it ends."""

    @property
    def left_s(self) -> float:
        """How long it still lasts; not positive where it has ended."""
        return self.until - time.monotonic()


class Sessions(Protocol):
    """A table of sessions."""

    def add(self, session: Session) -> str:
        """Take a session in, and return the cookie that opens it."""

    def by_cookie(self, cookie: str) -> Session | None:
        """Return the live session of a cookie."""

    def by_id(self, session_id: str) -> Session | None:
        """Return the live session of an id."""

    def listen(self, session: Session, listener: Listener) -> Listener:
        """Have a function called when a session ends, and return what withdraws that."""

    def end(self, session: Session) -> None:
        """End a session and tell its listeners."""


class MemorySessions:
    """Sessions in the memory of one process: a restart signs everybody out. Safe to share between threads."""

    def __init__(self) -> None:
        self._by_cookie: dict[str, Session] = {}
        self._by_id: dict[str, Session] = {}
        self._lock = threading.Lock()

    def add(self, session: Session) -> str:
        """Take a session in, and return the cookie that opens it; only a hash of the cookie is kept."""
        cookie = secrets.token_urlsafe(32)
        with self._lock:
            self._by_cookie[_digest(cookie)] = session
            self._by_id[session.id] = session
        return cookie

    def by_cookie(self, cookie: str) -> Session | None:
        """Return the live session of a cookie. Every hash is compared, in a time that tells nothing of any of them."""
        mark, match = _digest(cookie), None
        with self._lock:
            for known, session in self._by_cookie.items():
                if hmac.compare_digest(known, mark):
                    match = session
        return self._live(match)

    def by_id(self, session_id: str) -> Session | None:
        """Return the live session of an id."""
        with self._lock:
            session = self._by_id.get(session_id)
        return self._live(session)

    def listen(self, session: Session, listener: Listener) -> Listener:
        """Have a function called when a session ends, and return what withdraws that; at once where it has ended."""
        with self._lock:
            there = session.id in self._by_id
            if there:
                session.listeners.append(listener)
        if not there:
            listener()

        def withdraw() -> None:
            with self._lock:
                if listener in session.listeners:
                    session.listeners.remove(listener)

        return withdraw

    def end(self, session: Session) -> None:
        """End a session and tell its listeners."""
        with self._lock:
            session.until = float("-inf")
            self._by_id.pop(session.id, None)
            self._by_cookie = {mark: each for mark, each in self._by_cookie.items() if each is not session}
            listeners, session.listeners[:] = list(session.listeners), []
        for listener in listeners:
            listener()

    def _live(self, session: Session | None) -> Session | None:
        if session is not None and session.left_s <= 0:
            self.end(session)
            return None
        return session


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode(errors="replace")).hexdigest()


current: Sessions = MemorySessions()


class _StandIn:
    """The session of runs that no browser asked for: tests of pages without a server."""

    session: Session | None = None


_stand_in = _StandIn()


def stand_in(session: Session | None) -> None:
    """
    Name the session of page runs that have no request behind them, as in Streamlit's ``AppTest``.

    A run that a browser asked for always has the headers of its request and never gets this session.
    """
    _stand_in.session = session


def standing_in() -> Session | None:
    """Return the session named by ``stand_in``."""
    return _stand_in.session
