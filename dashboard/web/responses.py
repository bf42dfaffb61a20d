"""Responses of the gate itself: short pages in plain language, and the headers of every response."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from dashboard.core.text import html_text

Message = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]

FIXED_HEADERS: Final = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Headers of every response, of the gate and of the app."""
PLAIN_POLICY: Final = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'",
)
"""Content security policy of a response to bytes that are not a valid request."""
STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}"
    "h1{font-size:1.3rem}code{font-size:.95em}button{font:inherit;padding:.4rem 1rem}"
)
BUTTON: Final = (
    '<form action="/enter"><input type="hidden" name="token" value="{token}">'
    '<button name="open" value="yes">Open the dashboard</button></form>'
)


@dataclass(frozen=True)
class GateResponse:
    """A page of the gate itself. It closes the connection, so a client that is not accepted keeps none open."""

    status: HTTPStatus
    title: str
    text: str = ""
    refresh: str = ""
    """URL to which the browser redirects automatically; empty for none."""
    token: str = ""
    """Token of the link that a button on the page opens; empty for no button."""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def body(self) -> bytes:
        """The page as HTML."""
        go_on = f'<meta http-equiv="refresh" content="0;url={html_text(self.refresh)}">' if self.refresh else ""
        button = BUTTON.format(token=html_text(self.token)) if self.token else ""
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8">{go_on}<title>trunkgate</title>'
            f"<style>{STYLE}</style></head><body><h1>{html_text(self.title)}</h1><p>{_marked(self.text)}</p>{button}"
            "</body></html>\n"
        ).encode()

    @property
    def sentence(self) -> bytes:
        """The text of the page as a JSON string; an open Streamlit page displays only JSON from a refused request."""
        return json.dumps(f"{self.title}. {self.text}".replace("`", "").strip()).encode()

    def messages(self, *, to_script: bool = False) -> tuple[Message, Message]:
        """Return the two messages of an ASGI response with the page, or with ``sentence`` for a script."""
        body = self.sentence if to_script else self.body
        headers = [
            (b"content-type", b"application/json" if to_script else b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
            *self.headers,
        ]
        return (
            {"type": "http.response.start", "status": int(self.status), "headers": headers},
            {"type": "http.response.body", "body": body},
        )


def _marked(text: str) -> str:
    """Return text as HTML, with text between backquotes as code."""
    parts = html_text(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


HEALTHY: Final = GateResponse(HTTPStatus.OK, "ok")
NO_SESSION: Final = GateResponse(
    HTTPStatus.UNAUTHORIZED,
    "Open this dashboard by a link",
    "Run `trunkgate link` on the machine that runs the dashboard, and open the link that it prints.",
)
ENDED: Final = GateResponse(
    HTTPStatus.UNAUTHORIZED,
    "The session of this browser has ended",
    "It was signed out, is too old, or belongs to an earlier start of the dashboard. "
    "Run `trunkgate link` on the machine that runs the dashboard, and open the link that it prints.",
)
OTHER_USER: Final = GateResponse(
    HTTPStatus.FORBIDDEN,
    "This session belongs to another user of this machine",
    "Run `trunkgate link` and open the link that it prints.",
)
USER_UNKNOWN: Final = GateResponse(
    HTTPStatus.FORBIDDEN,
    "The user at the other end of this connection cannot be determined",
    "Open the dashboard on the machine that runs it, or through an SSH tunnel to it.",
)
LINK_USED: Final = GateResponse(
    HTTPStatus.GONE, "This link was used already", "A link opens one browser. Run `trunkgate link` for another."
)
LINK_UNKNOWN: Final = GateResponse(
    HTTPStatus.GONE,
    "This link is not valid",
    "It was used already, is too old, or is not a link of this dashboard. Run `trunkgate link` for another.",
)
PREFETCH: Final = GateResponse(HTTPStatus.SERVICE_UNAVAILABLE, "A link is opened by a person, not ahead of time")
METHOD: Final = GateResponse(HTTPStatus.METHOD_NOT_ALLOWED, "A link is opened with GET", headers=((b"allow", b"GET"),))
NOT_HTTP: Final = GateResponse(
    HTTPStatus.BAD_REQUEST,
    "The request cannot be read",
    "Open the dashboard with `http://`, not `https://`. "
    "If this goes on, delete the cookies of its address in the browser.",
)
TOO_SLOW: Final = GateResponse(
    HTTPStatus.REQUEST_TIMEOUT, "The request took too long to arrive", "Load the page again in the browser."
)
TOO_MANY: Final = GateResponse(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many connections are waiting",
    "Load the page again. If this goes on, another program of this machine keeps opening connections to the dashboard.",
)
NO_PATH: Final = GateResponse(
    HTTPStatus.BAD_REQUEST,
    "The dashboard is not a proxy",
    "Open it at its own address, and leave out the proxy for 127.0.0.1 in the settings of the browser.",
)
TWO_LENGTHS: Final = GateResponse(
    HTTPStatus.BAD_REQUEST,
    "The request gives two lengths",
    "Open the dashboard without a program between it and the browser.",
)
FOREIGN_ORIGIN: Final = GateResponse(
    HTTPStatus.FORBIDDEN, "Another site asked for this", "Open the dashboard itself, not through another page."
)


def entered(cookie: bytes) -> GateResponse:
    """Return the page that sets the session cookie and redirects to the dashboard."""
    return GateResponse(HTTPStatus.OK, "Opening the dashboard", refresh="./", headers=((b"set-cookie", cookie),))


def asking(token: str) -> GateResponse:
    """Return the page with a button that opens a link, for a client that may be a program that only fetches it."""
    return GateResponse(
        HTTPStatus.OK,
        "This link opens the dashboard in one browser",
        "When this page was made it had not been used.",
        token=token,
    )


def going_on() -> GateResponse:
    """Return the page that redirects a browser with a session cookie to the dashboard."""
    return GateResponse(HTTPStatus.OK, "Opening the dashboard", refresh="./")


def reloading(path: str) -> GateResponse:
    """
    Return a page that reloads itself.

    A browser omits a ``SameSite=Strict`` cookie from a navigation that starts on another site; it sends the cookie with
    the reload of this page.
    """
    return GateResponse(HTTPStatus.UNAUTHORIZED, "Opening the dashboard", refresh=path)


def wrong_host(origin: str) -> GateResponse:
    """Return the refusal of a request for a host or port other than ``origin``."""
    return GateResponse(
        HTTPStatus.MISDIRECTED_REQUEST,
        "The dashboard is not at this address",
        f"Open {origin} instead. Through a tunnel, use the same port on both sides.",
    )


def with_headers(message: Message, added: Headers) -> Message:
    """Return the start message of a response with headers set; they replace headers of the same name."""
    names = {name for name, _ in added}
    other_headers = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
    return {**message, "headers": [*other_headers, *added]}
