"""
Requests to one origin with one key.

The key goes to that origin only: over TLS (plain HTTP on loopback), never across a redirect, never
through a proxy on loopback. ``repr``, messages and chained exceptions do not hold it.

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
from dashboard.core.http import retries

MEDIA_TYPE = "application/vnd.api+json"
ANSWER_MAX_BYTES = 16 * 1024**2
"""A page of 200 items is some 100 kB; this is a hundredfold."""

ANSWER_LIMIT_S = 120.0
MAY_REPEAT = frozenset({"GET", "PATCH", "DELETE"})
DETAIL_LENGTH = 300
ERRORS_SHOWN = 3
UNAUTHORIZED, NOT_FOUND = 401, 404


class HttpSession:
    """HTTP to one origin with one key. Threads may share it."""

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
        Check the address; nothing is sent yet.

        Args:
            url: Origin the key is for.
            access_key: Basic user.
            secret_key: Basic password.
            name: The carrier as messages name it.
            session: The seam; one of its own when not given.
            sleep: Waits so many seconds.

        Raises:
            SettingsError: The address is not an origin, or would carry the key in clear.
        """
        self.origin = retries.checked_origin(url)
        self.on_loopback = is_loopback(self.origin)
        self.name, self.sleep = name, sleep
        self.session = session or requests.Session()
        self._own_session = session is None
        self._auth = HTTPBasicAuth(access_key, secret_key)
        both = b64encode(f"{access_key}:{secret_key}".encode()).decode()
        self._hidden = tuple(filter(None, (both, secret_key, access_key)))

    def __repr__(self) -> str:
        return f"Transport({self.origin})"

    def close(self) -> None:
        """Give back every connection, unless the session is the caller's."""
        if self._own_session:
            self.session.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """
        Return the JSON object that a GET answers.

        Raises:
            CarrierAnswerError: There is none.
        """
        body = self.request("GET", path, params=params)
        if body is None:
            raise CarrierAnswerError(f"{self.name}'s answer to GET {path} is empty.")
        return body

    def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any] | None:
        """
        Send a request, again where that is safe, and return what the answer holds.

        Args:
            method: HTTP method.
            path: From the origin, beginning with a slash, its parts quoted.
            params: Query.
            body: JSON value to send.

        Returns:
            The JSON object; ``None`` where the answer has no content. A DELETE that had to be repeated and
            then found nothing has done its work.

        Raises:
            CarrierUnavailableError: Not for now; of a POST it is not known whether it was carried out.
            CarrierRefusedError: The carrier declined.
            CarrierAnswerError: The answer is not understood.
        """
        what, url = f"{method} {path}", self.origin + path
        if origin_of(url) != self.origin:
            raise CarrierAnswerError(f"{what} would leave {self.origin}; nothing was sent.")
        headers = {"Accept": MEDIA_TYPE} | ({} if body is None else {"Content-Type": MEDIA_TYPE})

        def once(attempt: int) -> dict[str, Any] | None:
            with retries.send(
                self.session, method, url, what=what, auth=self._auth, params=params, body=body, headers=headers
            ) as answer:
                if answer.status_code == NOT_FOUND and method == "DELETE" and attempt > 1:
                    return None
                content = b"".join(retries.pieces(answer, what, most=ANSWER_MAX_BYTES, limit_s=ANSWER_LIMIT_S))
            if answer.status_code >= retries.CLIENT_ERROR:
                raise CarrierRefusedError(self._refusal(answer.status_code, content, what))
            return self._parsed(answer.headers.get("Content-Type", ""), content, what)

        return retries.repeat(once, what=what, who=self.name, may_repeat=method in MAY_REPEAT, sleep=self.sleep)

    def cleaned(self, value: Any) -> str:
        """Return foreign text fit for a sentence: one line, of bounded length, without our key."""
        text = "" if value is None else str(value)
        text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        for secret in self._hidden:
            text = text.replace(secret, "…")
        return text[:DETAIL_LENGTH].rstrip(".")

    def _refusal(self, status: int, content: bytes, what: str) -> str:
        if status == UNAUTHORIZED:
            said = [f"{self.name} declined the key (401), asked {what}. Check the access key and the secret key."]
        else:
            said = [f"{self.name} declined {what} ({status})."]
        with suppress(ValueError, RecursionError, LookupError, TypeError, AttributeError):
            for error in json.loads(content)["errors"][:ERRORS_SHOWN]:
                words = [self.cleaned(error.get(key)) for key in ("title", "detail")]
                number = self.cleaned(error.get("id"))
                detail = ": ".join(filter(None, words)) or "No reason was given"
                said.append(f"{detail}{f' (error id {number})' if number else ''}.")
        return " ".join(said)

    def _parsed(self, kind: str, content: bytes, what: str) -> dict[str, Any] | None:
        if not content.strip():
            return None
        if "html" in kind.lower() or content.lstrip().startswith(b"<"):
            raise CarrierAnswerError(
                f"{self.name} answered {what} with a web page instead of data. It may be under maintenance, or a "
                "proxy stands in between. Try again later."
            )
        try:
            body = json.loads(content)
            json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair is no text, and no table takes it
        except (ValueError, RecursionError):
            raise CarrierAnswerError(
                f"{self.name}'s answer to {what} is not whole JSON; nothing was taken from it. Try again."
            ) from None
        if not isinstance(body, dict):
            raise CarrierAnswerError(f"{self.name}'s answer to {what} is not a JSON object; nothing was taken from it.")
        return body
