"""What the gate answers by itself: short pages in plain words, and the headers that every answer carries."""

from __future__ import annotations

import html
from collections.abc import MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

Message = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]

STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}"
    "h1{font-size:1.3rem}code{font-size:.95em}"
)


@dataclass(frozen=True)
class Answer:
    """A page of the gate's own."""

    status: HTTPStatus
    title: str
    text: str = ""
    refresh: str = ""
    """Where the browser goes on to by itself."""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def body(self) -> bytes:
        """Return the page."""
        go_on = f'<meta http-equiv="refresh" content="0;url={html.escape(self.refresh)}">' if self.refresh else ""
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8">{go_on}<title>trunkgate</title>'
            f"<style>{STYLE}</style></head><body><h1>{html.escape(self.title)}</h1><p>{_marked(self.text)}</p></body></html>\n"
        ).encode()

    def messages(self) -> tuple[Message, Message]:
        """Return the two messages of an ASGI response."""
        body = self.body
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            *self.headers,
        ]
        return (
            {"type": "http.response.start", "status": int(self.status), "headers": headers},
            {"type": "http.response.body", "body": body},
        )


def _marked(text: str) -> str:
    """Return text as HTML, with what stands between backquotes as code."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


HEALTHY: Final = Answer(HTTPStatus.OK, "ok")
NO_SESSION: Final = Answer(
    HTTPStatus.UNAUTHORIZED,
    "Open this dashboard by a link",
    "Run `trunkgate link` on the machine that runs the dashboard, and open the link that it prints.",
)
ENDED: Final = Answer(
    HTTPStatus.UNAUTHORIZED,
    "The session of this browser has ended",
    "It was signed out, is too old, or belongs to an earlier start of the dashboard. "
    "Run `trunkgate link` on the machine that runs the dashboard, and open the link that it prints.",
)
OTHER_USER: Final = Answer(
    HTTPStatus.FORBIDDEN,
    "This session belongs to another user of this machine",
    "Run `trunkgate link` and open the link that it prints.",
)
USER_UNKNOWN: Final = Answer(
    HTTPStatus.FORBIDDEN,
    "The user at the other end of this connection cannot be determined",
    "Open the dashboard on the machine that runs it, or through an SSH tunnel to it.",
)
LINK_USED: Final = Answer(
    HTTPStatus.GONE, "This link was used already", "A link opens one browser. Run `trunkgate link` for another."
)
LINK_UNKNOWN: Final = Answer(
    HTTPStatus.GONE,
    "This link is not valid",
    "It was used already, is too old, or is not a link of this dashboard. Run `trunkgate link` for another.",
)
PREFETCH: Final = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "A link is opened by a person, not ahead of time")
METHOD: Final = Answer(HTTPStatus.METHOD_NOT_ALLOWED, "A link is opened with GET", headers=((b"allow", b"GET"),))
FOREIGN_ORIGIN: Final = Answer(
    HTTPStatus.FORBIDDEN, "Another site asked for this", "Open the dashboard itself, not through another page."
)


def entered(cookie: bytes) -> Answer:
    """Return the page that gives a browser its cookie and goes on to the dashboard."""
    return Answer(HTTPStatus.OK, "Opening the dashboard", refresh="./", headers=((b"set-cookie", cookie),))


def going_on() -> Answer:
    """Return the page that goes on to the dashboard with the cookie that the browser has."""
    return Answer(HTTPStatus.OK, "Opening the dashboard", refresh="./")


def reloading(path: str) -> Answer:
    """
    Return a page that loads itself again.

    A browser keeps a strict cookie back when a link on another site leads here; from this page it sends the cookie.
    """
    return Answer(HTTPStatus.UNAUTHORIZED, "Opening the dashboard", refresh=path)


def wrong_host(origin: str) -> Answer:
    """Return the refusal of a request for another host or port."""
    return Answer(
        HTTPStatus.MISDIRECTED_REQUEST,
        "The dashboard is not at this address",
        f"Open {origin} instead. Through a tunnel, use the same port on both sides.",
    )


def with_headers(message: Message, added: Headers) -> Message:
    """Return the start of a response with headers set, in place of any of the same name."""
    names = {name for name, _ in added}
    others = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
    return {**message, "headers": [*others, *added]}
