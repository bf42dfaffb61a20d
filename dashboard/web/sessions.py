"""
Sessions of a running dashboard: one per browser that opened a link.

``current`` is the session table of this process. The gate fills it and the pages look up their session in it. If the
pages are started in any other way, it is empty, so no browser is accepted.
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
"""Lifetime of a session in seconds, measured on the monotonic clock, which cannot be set."""
HEADER: Final = "x-trunkgate-session"
"""Request header that passes the session id from the gate to the app; the gate removes it from client requests."""
PREFIX: Final = "x-trunkgate-"

Listener = Callable[[], None]


@dataclass
class Session:
    """One browser that opened a link."""

    made_by: str
    """User of this machine who created the link."""
    link: str = ""
    """Number of the link."""
    name: str = ""
    """Name of the person; empty until it is known."""
    vouched: bool = False
    """Whether the creator of the link gave the name; if False, it was typed in the browser and is unverified."""
    uid: int | None = None
    """Uid of the user of this machine who opened the link; ``None`` if the system does not provide it."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    """Id passed to the app in ``HEADER``. It grants no access; only the cookie does."""
    until: float = field(default_factory=lambda: time.monotonic() + LIFE_S)
    """End of the session on the monotonic clock, in seconds."""
    listeners: list[Listener] = field(default_factory=list, repr=False)
    """Functions called once when the session ends."""

    @property
    def left_s(self) -> float:
        """Remaining lifetime in seconds; zero or negative if the session has ended."""
        return self.until - time.monotonic()


class Sessions(Protocol):
    """A table of sessions."""

    def add(self, session: Session) -> str:
        """Add a session and return its cookie."""

    def by_cookie(self, cookie: str) -> Session | None:
        """Return the active session of a cookie."""

    def by_id(self, session_id: str) -> Session | None:
        """Return the active session of an id."""

    def listen(self, session: Session, listener: Listener) -> Listener:
        """Register a function to call when a session ends; return a function that unregisters it."""

    def end(self, session: Session) -> None:
        """End a session and call its listeners."""


class MemorySessions:
    """Thread-safe session table in the memory of one process; a restart signs out all browsers."""

    def __init__(self) -> None:
        self._by_cookie: dict[str, Session] = {}
        self._by_id: dict[str, Session] = {}
        self._lock = threading.Lock()

    def add(self, session: Session) -> str:
        """Add a session and return its cookie; the table stores only a hash of the cookie."""
        cookie = secrets.token_urlsafe(32)
        with self._lock:
            self._by_cookie[_digest(cookie)] = session
            self._by_id[session.id] = session
        return cookie

    def by_cookie(self, cookie: str) -> Session | None:
        """Return the active session of a cookie. Compare all hashes in constant time, so that timing reveals none."""
        mark = _digest(cookie)
        match = None
        with self._lock:
            for stored_digest, session in self._by_cookie.items():
                if hmac.compare_digest(stored_digest, mark):
                    match = session
        return self._live(match)

    def by_id(self, session_id: str) -> Session | None:
        """Return the active session of an id."""
        with self._lock:
            session = self._by_id.get(session_id)
        return self._live(session)

    def listen(self, session: Session, listener: Listener) -> Listener:
        """
        Register a function to call when a session ends; return a function that unregisters it.

        If the session has already ended, the function is called immediately.
        """
        with self._lock:
            is_active = session.id in self._by_id
            if is_active:
                session.listeners.append(listener)
        if not is_active:
            listener()

        def withdraw() -> None:
            with self._lock:
                if listener in session.listeners:
                    session.listeners.remove(listener)

        return withdraw

    def end(self, session: Session) -> None:
        """End a session and call its listeners."""
        with self._lock:
            session.until = float("-inf")
            self._by_id.pop(session.id, None)
            self._by_cookie = {
                mark: other_session for mark, other_session in self._by_cookie.items() if other_session is not session
            }
            listeners = list(session.listeners)
            session.listeners[:] = []
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
    """Holder of the session for page runs without a browser request: tests of pages without a server."""

    session: Session | None = None


_stand_in = _StandIn()


def stand_in(session: Session | None) -> None:
    """
    Set the session of page runs without a browser request, as in Streamlit's ``AppTest``.

    A run that a browser requested always has the headers of the request and never gets this session.
    """
    _stand_in.session = session


def standing_in() -> Session | None:
    """Return the session set by ``stand_in``."""
    return _stand_in.session
