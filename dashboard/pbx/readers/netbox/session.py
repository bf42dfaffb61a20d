"""
NetBox session: gives ``pynetbox`` its responses from ``core.http``, and converts failures to ``dashboard.core.errors``.

The token is sent to its own origin only: over TLS (plain HTTP on loopback), never across a redirect, never to another
host linked in a response. No message contains it. Every request has a time limit, every response a size limit. A failed
request is not retried: an operator waits for the reading and can repeat it.

Sources: netboxlabs.com/docs/netbox/integrations/rest-api (paging, statuses, ``detail`` of an error), and pynetbox's own
documentation of its session.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pynetbox
import requests
from requests.auth import AuthBase

from dashboard.core.errors import SourceAnswerError, SourceError, SourceRefusedError, SourceUnavailableError
from dashboard.core.http import exchange
from dashboard.core.http.exchange import TIMEOUT_S, Fault
from dashboard.core.text import one_line, shortened

LIMIT_S = 120.0
"""Time limit in seconds for all requests to one NetBox."""
ANSWER_MAX_BYTES = 32 * 1024**2
ALL_MAX_BYTES = 128 * 1024**2
"""Size limit of all responses together, so that endless paging cannot fill memory. Thousands of PBXs need a fifth."""
PAGE = 200
"""Objects per page."""
DETAIL_LENGTH = 300
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
_NOT_UNDERSTOOD = (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)
"""Exceptions that pynetbox raises for a JSON response that is not NetBox's."""


class _KeepHeaders(AuthBase):
    """Authentication that changes nothing: pynetbox has set the token, and ``requests`` must not consult ``.netrc``."""

    def __call__(self, request: Any) -> Any:
        """Return the request."""
        return request


class _Session:
    """The part of a session that pynetbox uses to read, limited to one origin, a total time and a total size."""

    def __init__(self, base: str, limits: tuple[tuple[float, float], float], most_bytes: int) -> None:
        self._base = base
        self._host = urlsplit(base).hostname or ""
        self._timeout_s, self._limit_s = limits
        self._begun = time.monotonic()
        self._left = most_bytes
        self._most = most_bytes
        self._session = exchange.open_session()

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: None = None,  # noqa: ARG002 - pynetbox passes it; a GET request has no body
    ) -> requests.Response:
        """
        Send one request of pynetbox to the configured origin, regardless of the host in a link of a response.

        Raises:
            SourceError: The request failed, or the status is one that is handled here instead of by pynetbox.
        """
        parts = urlsplit(url)
        origin = urlsplit(self._base)
        if not parts.path.startswith(f"{origin.path.rstrip('/')}/api/"):
            raise SourceAnswerError(f"An answer of {self._host} leads away from its API. It was not followed.")
        own_url = urlunsplit((origin.scheme, origin.netloc, parts.path, parts.query, ""))
        try:
            with exchange.send(
                self._session,
                "GET",
                own_url,
                auth=_KeepHeaders(),
                params=params,
                headers=headers,
                timeout_s=self._timeout_s,
            ) as response:
                content = self._content(response)
        except exchange.HttpError as exc:
            raise self._translated(exc) from None
        if response.status_code == NOT_FOUND:
            raise SourceAnswerError(f"There is no API of NetBox at {self._host}. Check the path in the address.")
        return _loaded(response, content)

    def _content(self, response: requests.Response) -> bytes:
        left_s = self._limit_s - (time.monotonic() - self._begun)
        try:
            content = b"".join(exchange.pieces(response, most=min(ANSWER_MAX_BYTES, self._left), limit_s=left_s))
        except exchange.TooLargeError:
            if self._left < ANSWER_MAX_BYTES:
                raise SourceAnswerError(
                    f"{self._host} answered more than {self._most >> 20} MB in all, which no register of PBXs is. Mark "
                    "the PBXs alone."
                ) from None
            url = response.url.partition("?")[0]
            raise SourceAnswerError(f"An answer of {url} is larger than any of NetBox's.") from None
        self._left -= len(content)
        return content

    def _translated(self, error: exchange.HttpError) -> SourceError:
        if isinstance(error, exchange.TransientError | exchange.TlsError):
            return SourceUnavailableError(self._unavailable(error))
        if isinstance(error, exchange.CertificateError):
            return SourceAnswerError(
                f"The certificate of {self._host} cannot be verified, so nothing was asked. Name its issuer in "
                "REQUESTS_CA_BUNDLE, or renew it."
            )
        if isinstance(error, exchange.RedirectError):
            return SourceAnswerError(
                f"{self._host} answered {error.status}, which leads elsewhere. It was not followed, because that "
                "could carry the token to another host. Give the address that it leads to."
            )
        return SourceUnavailableError(self._sentences(0)[Fault.CONNECTION])

    def _unavailable(self, error: exchange.TransientError | exchange.TlsError) -> str:
        """Return the sentence of an error that another attempt, or a change outside of NetBox, may cure."""
        if isinstance(error, exchange.TlsError):
            return self._no_tls(str(error))
        return self._sentences(error.status)[error.fault]

    def _sentences(self, status: int) -> dict[Fault, str]:
        """Return the sentence of each cause of a transient failure."""
        return {
            Fault.STATUS: f"{self._host} answered {status}. Try again later.",
            Fault.TIMEOUT: f"{self._host} did not answer in time. Try again.",
            Fault.DURATION: f"{self._host} took longer than {self._limit_s:.0f} s. Try again later.",
            Fault.TLS: self._no_tls("it was cut"),
            Fault.CONNECTION: (
                f"No connection to {self._host} held. Check the address and that it can be reached from here."
            ),
        }

    def _no_tls(self, reason: str) -> str:
        return (
            f"The TLS connection to {self._host} failed ({reason}). Check host and port of the address: they have to "
            "be those of an HTTPS server."
        )


class NetBox:
    """API client for one NetBox."""

    def __init__(
        self,
        base: str,
        token: str,
        limits: tuple[tuple[float, float], float] = (TIMEOUT_S, LIMIT_S),
        most_bytes: int = ALL_MAX_BYTES,
    ) -> None:
        """
        Prepare a session without sending a request.

        Args:
            base: URL of NetBox, without ``/api``.
            token: API token.
            limits: Timeouts to connect and between two reads, and the total time limit, in seconds.
            most_bytes: Size limit of all responses together.
        """
        self.host = urlsplit(base).hostname or ""
        self._token = token
        self.api = pynetbox.api(base, token=token)
        self.api.http_session = _Session(base, limits, most_bytes)

    def __repr__(self) -> str:
        return f"NetBox({self.host})"

    def all(self, app: str, kind: str, **filters: Any) -> Iterator[dict[str, Any]]:
        """
        Yield all objects of a kind, page by page, in NetBox's JSON format.

        Args:
            app: Part of the API, such as ``dcim``.
            kind: Kind of object, such as ``devices``.
            filters: NetBox query filters.

        Raises:
            SourceError: NetBox does not respond, declines the request, or sends an invalid response.
        """
        try:
            for record in getattr(getattr(self.api, app), kind).filter(limit=PAGE, **filters):
                item = dict(record)
                if not isinstance(item.get("id"), int):
                    raise SourceAnswerError(f"{self.host} shows an object without an id. Nothing was taken from it.")
                yield item
        except SourceError:
            raise
        except pynetbox.ContentError:
            raise SourceAnswerError(
                f"{self.host} answered with a page or with half of an answer instead of data. Check the address; a "
                "proxy may stand in between."
            ) from None
        except pynetbox.RequestError as exc:
            raise self._refusal(exc.req) from None
        except _NOT_UNDERSTOOD as exc:
            raise SourceAnswerError(
                f"{self.host} answered what NetBox does not ({type(exc).__name__}); nothing was taken from it."
            ) from None

    def _refusal(self, answer: requests.Response) -> SourceError:
        if answer.status_code in (UNAUTHORIZED, FORBIDDEN):
            return SourceRefusedError(
                f"{self.host} declined the token ({answer.status_code}{self._detail(answer)}). Check "
                "TRUNKGATE_NETBOX_TOKEN, and that it may view devices, virtual machines, IP addresses and sites."
            )
        return SourceRefusedError(f"{self.host} declined what was asked ({answer.status_code}{self._detail(answer)}).")

    def _detail(self, answer: requests.Response) -> str:
        """Return the detail of an error response for use in a sentence, without the token."""
        try:
            body = answer.json()
        except (ValueError, RecursionError):
            return ""
        text = str(body.get("detail") or body) if isinstance(body, dict) else ""
        line = one_line(text, None).replace(self._token, "…")
        return f": {shortened(line, DETAIL_LENGTH).rstrip('.')}" if line else ""


def _loaded(answer: requests.Response, data: bytes) -> requests.Response:
    """Return a copy of a response with its content loaded."""
    whole = requests.Response()
    whole.status_code = answer.status_code
    whole.reason = answer.reason
    whole.url = answer.url
    whole.headers = answer.headers
    whole.request = answer.request
    whole.encoding = answer.encoding
    whole.raw = io.BytesIO(data)
    return whole
