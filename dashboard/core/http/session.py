"""
HTTP session for one origin and one API key.

The key is sent to that origin only: over TLS (plain HTTP on loopback), never across a redirect, never
through a proxy on loopback. ``repr``, messages and chained exceptions do not contain it.

Source: developer.flowroute.com/api/errors (Basic authentication, JSON:API error objects with an ``id``
that support asks for; ``id``, ``title`` and ``detail`` may each be missing or empty).
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import requests
from requests.auth import HTTPBasicAuth

from dashboard.core.endpoints import is_loopback, origin_of
from dashboard.core.errors import CarrierAnswerError, CarrierRefusedError
from dashboard.core.http import exchange, retries
from dashboard.core.text import one_line, shortened

MEDIA_TYPE = "application/vnd.api+json"
ANSWER_MAX_BYTES = 16 * 1024**2
"""More than a hundred times the size of a page of 200 items, which is about 100 kB."""

ANSWER_LIMIT_S = 120.0
MAY_REPEAT = frozenset({"GET", "PATCH", "DELETE"})
DETAIL_LENGTH = 300
ERRORS_SHOWN = 3
UNAUTHORIZED = 401
NOT_FOUND = 404


class HttpSession:
    """HTTP session for one origin and one API key. Threads may share it."""

    def __init__(
        self,
        url: str,
        access_key: str,
        secret_key: str,
        *,
        name: str = "Flowroute",
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """
        Validate the URL; no request is sent.

        Args:
            url: Origin that the key is for.
            access_key: User name of Basic authentication.
            secret_key: Password of Basic authentication.
            name: Name of the carrier in messages.
            session: Session that sends the requests; by default a new one.
            sleep: Function that waits for a number of seconds.

        Raises:
            SettingsError: The URL is not an origin, or would send the key in clear text.
        """
        self.origin = retries.checked_origin(url)
        self.on_loopback = is_loopback(self.origin)
        self.name = name
        self.sleep = sleep
        self.session = session or exchange.open_session()
        self._own_session = session is None
        self._auth = HTTPBasicAuth(access_key, secret_key)
        basic_credentials = b64encode(f"{access_key}:{secret_key}".encode()).decode()
        self._hidden = tuple(filter(None, (basic_credentials, secret_key, access_key)))

    def __repr__(self) -> str:
        return f"Transport({self.origin})"

    def close(self) -> None:
        """Close all connections, unless the caller passed the session."""
        if self._own_session:
            self.session.close()

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, *, waits: retries.Waits | None = None
    ) -> dict[str, Any]:
        """
        Send a GET request and return its JSON object.

        Args:
            path: As in ``request``.
            params: As in ``request``.
            waits: As in ``request``.

        Raises:
            CarrierAnswerError: The response is empty; see ``request`` for other errors.
        """
        body = self.request("GET", path, params=params, waits=waits)
        if body is None:
            raise CarrierAnswerError(f"{self.name}'s answer to GET {path} is empty.")
        return body

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        waits: retries.Waits | None = None,
    ) -> dict[str, Any] | None:
        """
        Send a request, with retries where they are safe, and return the JSON object of the response.

        Args:
            method: HTTP method.
            path: Absolute path, with its parts quoted.
            params: Query parameters.
            body: JSON value to send.
            waits: Limit of delays shared with other requests; by default one of this request alone.

        Returns:
            The JSON object; ``None`` if the response has no content. A 404 to a retried DELETE counts as success.

        Raises:
            CarrierUnavailableError: Temporary failure; a POST may have been applied.
            CarrierRefusedError: The carrier declined the request.
            CarrierAnswerError: The response is invalid or unexpected.
        """
        label = f"{method} {path}"
        url = self.origin + path
        if origin_of(url) != self.origin:
            raise CarrierAnswerError(f"{label} would leave {self.origin}; nothing was sent.")
        headers = {"Accept": MEDIA_TYPE} | ({} if body is None else {"Content-Type": MEDIA_TYPE})

        def once(attempt: int) -> dict[str, Any] | None:
            with exchange.send(
                self.session, method, url, auth=self._auth, params=params, body=body, headers=headers
            ) as answer:
                if answer.status_code == NOT_FOUND and method == "DELETE" and attempt > 1:
                    return None
                content = b"".join(exchange.pieces(answer, most=ANSWER_MAX_BYTES, limit_s=ANSWER_LIMIT_S))
            if answer.status_code >= exchange.CLIENT_ERROR:
                raise CarrierRefusedError(self._refusal(answer.status_code, content, label))
            return self._parsed(answer.headers.get("Content-Type", ""), content, label)

        may_repeat = method in MAY_REPEAT
        return retries.with_retries(
            once, what=label, who=self.name, may_repeat=may_repeat, sleep=self.sleep, waits=waits
        )

    def cleaned(self, value: Any) -> str:
        """Return external text as one line of at most DETAIL_LENGTH characters, with the API key masked."""
        text = "" if value is None else str(value)
        line = one_line(text, None)
        for secret in self._hidden:
            line = line.replace(secret, "…")
        return shortened(line, DETAIL_LENGTH).rstrip(".")

    def _refusal(self, status: int, content: bytes, label: str) -> str:
        if status == UNAUTHORIZED:
            sentences = [f"{self.name} declined the key (401), asked {label}. Check the access key and the secret key."]
        else:
            sentences = [f"{self.name} declined {label} ({status})."]
        with suppress(ValueError, RecursionError, LookupError, TypeError, AttributeError):
            for error in json.loads(content)["errors"][:ERRORS_SHOWN]:
                words = [self.cleaned(error.get(key)) for key in ("title", "detail")]
                number = self.cleaned(error.get("id"))
                detail = ": ".join(filter(None, words)) or "No reason was given"
                sentences.append(f"{detail}{f' (error id {number})' if number else ''}.")
        return " ".join(sentences)

    def _parsed(self, kind: str, content: bytes, label: str) -> dict[str, Any] | None:
        if not content.strip():
            return None
        if "html" in kind.lower() or content.lstrip().startswith(b"<"):
            raise CarrierAnswerError(
                f"{self.name} answered {label} with a web page instead of data. It may be under maintenance, or a "
                "proxy stands in between. Try again later."
            )
        try:
            body = json.loads(content)
            json.dumps(body, ensure_ascii=False).encode()  # raises for a lone surrogate, which no table accepts
        except (ValueError, RecursionError):
            raise CarrierAnswerError(
                f"{self.name}'s answer to {label} is not whole JSON; nothing was taken from it. Try again."
            ) from None
        if not isinstance(body, dict):
            raise CarrierAnswerError(
                f"{self.name}'s answer to {label} is not a JSON object; nothing was taken from it."
            )
        return body
