"""
NetBox session: sends the requests of ``pynetbox`` and converts its failures to ``dashboard.core.errors``.

The token is sent to its own origin only: over TLS (plain HTTP on loopback), never across a redirect, never to another
host linked in a response. No message contains it. Every request has a time limit, every response a size limit.

Sources: netboxlabs.com/docs/netbox/integrations/rest-api (paging, statuses, ``detail`` of an error), and pynetbox's own
documentation of its session.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR
from threading import Timer
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pynetbox
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from dashboard import __version__
from dashboard.core.endpoints import is_loopback
from dashboard.core.errors import SourceAnswerError, SourceError, SourceRefusedError, SourceUnavailableError
from dashboard.core.http import retries

TIMEOUT_S = (5.0, 30.0)
"""Timeouts in seconds: to connect, and between two reads of a response."""
LIMIT_S = 120.0
"""Time limit in seconds for all requests to one NetBox."""
ANSWER_MAX_BYTES = 32 * 1024**2
ALL_MAX_BYTES = 128 * 1024**2
"""Size limit of all responses together, so that endless paging cannot fill memory. Thousands of PBXs need a fifth."""
PIECE_BYTES = 64 * 1024
PAGE = 200
"""Objects per page."""
DETAIL_LENGTH = 300
OK = 200
REDIRECT = 300
CLIENT_ERROR = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
TOO_MANY = 429
SERVER_ERROR = 500
_NOT_UNDERSTOOD = (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)
"""Exceptions that pynetbox raises for a JSON response that is not NetBox's."""


class _AsItIs(AuthBase):
    """Authentication that changes nothing: pynetbox has set the token, and ``requests`` must not consult ``.netrc``."""

    def __call__(self, request: Any) -> Any:
        """Return the request."""
        return request


class _Plain(HTTPConnection):
    """An HTTP connection with a time limit for response headers, against servers that trickle them."""

    def getresponse(self) -> Any:
        """Wait for the response headers; shut the connection down after twice the read timeout."""
        with _cut_off(self.sock, self.timeout):
            return super().getresponse()


class _Tls(HTTPSConnection):
    """An HTTPS connection with a time limit for response headers."""

    def getresponse(self) -> Any:
        """See ``_Plain``."""
        with _cut_off(self.sock, self.timeout):
            return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class _Adapter(HTTPAdapter):
    """HTTP adapter that uses the connections with a time limit."""

    def init_poolmanager(self, *given: Any, **more: Any) -> None:
        """Create the pool manager with the pool classes of this module."""
        super().init_poolmanager(*given, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


@contextmanager
def _cut_off(line: Any, timeout_s: Any) -> Iterator[None]:
    """Shut a connection down unless the block ends within twice the read timeout."""
    timer = Timer(2 * float(timeout_s or TIMEOUT_S[1]), _shut, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(line: Any) -> None:
    with suppress(OSError):  # the connection was closed in the meantime
        line.shutdown(SHUT_RDWR)


class _Session(requests.Session):
    """A session limited to one origin, a total time and a total size."""

    def __init__(self, base: str, limits: tuple[tuple[float, float], float], most_bytes: int) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())
        self._base, (self._timeout_s, self._limit_s) = base, limits
        self._begun = time.monotonic()
        self._left = most_bytes
        self._most = most_bytes

    def request(self, method: str | bytes, url: str | bytes, *_: Any, **given: Any) -> requests.Response:
        """
        Send one request of pynetbox to the configured origin, regardless of the host in a link of a response.

        Raises:
            SourceError: The request failed, or the status is one that is handled here instead of by pynetbox.
        """
        parts = urlsplit(str(url))
        origin = urlsplit(self._base)
        host = origin.hostname
        if not parts.path.startswith(f"{origin.path.rstrip('/')}/api/"):
            raise SourceAnswerError(f"An answer of {host} leads away from its API. It was not followed.")
        asked = urlunsplit((origin.scheme, origin.netloc, parts.path, parts.query, ""))
        try:
            answer = super().request(
                method,
                asked,
                params=given.get("params"),
                headers={**(given.get("headers") or {}), "User-Agent": f"trunkgate/{__version__}"},
                auth=_AsItIs(),
                timeout=self._timeout_s,
                allow_redirects=False,
                stream=True,
                proxies=dict.fromkeys(("http", "https", "all"), "") if is_loopback(self._base) else None,
            )
            with answer:
                whole = _whole(answer, self._body(answer))
        except requests.exceptions.SSLError as exc:
            if not retries.is_of_certificate(exc):
                raise SourceUnavailableError(
                    f"The TLS connection to {host} failed ({retries.tls_refusal(exc) or 'it was cut'}). Check host and "
                    "port of the address: they have to be those of an HTTPS server."
                ) from None
            raise SourceAnswerError(
                f"The certificate of {host} cannot be verified, so nothing was asked. Name its issuer in "
                "REQUESTS_CA_BUNDLE, or renew it."
            ) from None
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise SourceUnavailableError(f"{host} did not answer in time. Try again.") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            raise SourceUnavailableError(
                f"No connection to {host} held. Check the address and that it can be reached from here."
            ) from None
        self._judge(whole, host or "")
        return whole

    def _body(self, answer: requests.Response) -> bytes:
        data = b""
        while piece := answer.raw.read1(PIECE_BYTES, decode_content=True):
            data += piece
            if len(data) > ANSWER_MAX_BYTES:
                raise SourceAnswerError(f"An answer of {answer.url.partition('?')[0]} is larger than any of NetBox's.")
            if len(data) > self._left:
                raise SourceAnswerError(
                    f"{urlsplit(self._base).hostname} answered more than {self._most >> 20} MB in all, which no "
                    "register of PBXs is. Mark the PBXs alone."
                )
            if time.monotonic() - self._begun > self._limit_s:
                raise SourceUnavailableError(
                    f"{urlsplit(self._base).hostname} took longer than {self._limit_s:.0f} s. Try again later."
                )
        self._left -= len(data)
        return data

    @staticmethod
    def _judge(answer: requests.Response, host: str) -> None:
        """Raise an error for the statuses that are handled the same way for every request."""
        status = answer.status_code
        if status == TOO_MANY or status >= SERVER_ERROR:
            raise SourceUnavailableError(f"{host} answered {status}. Try again later.")
        if REDIRECT <= status < CLIENT_ERROR:
            raise SourceAnswerError(
                f"{host} answered {status}, which leads elsewhere. It was not followed, because that could carry the "
                "token to another host. Give the address that it leads to."
            )
        if status == NOT_FOUND:
            raise SourceAnswerError(f"There is no API of NetBox at {host}. Check the path in the address.")


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
                one = dict(record)
                if not isinstance(one.get("id"), int):
                    raise SourceAnswerError(f"{self.host} shows an object without an id. Nothing was taken from it.")
                yield one
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
            said = answer.json()
        except (ValueError, RecursionError):
            return ""
        text = str(said.get("detail") or said) if isinstance(said, dict) else ""
        text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        return f": {text.replace(self._token, '…')[:DETAIL_LENGTH].rstrip('.')}" if text else ""


def _whole(answer: requests.Response, data: bytes) -> requests.Response:
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
