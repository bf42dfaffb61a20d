"""
Single HTTP requests: limits of time and size, no redirects, verified TLS.

The errors here belong to no system. Each client translates them into its own: ``core.http.retries`` for carriers, the
reader of a running system for its source.
"""

from __future__ import annotations

import json
import ssl
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from socket import SHUT_RDWR
from threading import Event, Timer
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from dashboard import __version__
from dashboard.core import clocks
from dashboard.core.endpoints import is_loopback, origin_of

TIMEOUT_S = (5.0, 30.0)
"""Connect timeout, and read timeout between two chunks of a response."""

RETRY_AFTER_MAX_S = 60
PIECE_BYTES = 64 * 1024
OK = 200
REDIRECT = 300
CLIENT_ERROR = 400
TOO_MANY = 429
SERVER_ERROR = 500


class Fault(StrEnum):
    """Cause of a transient failure."""

    STATUS = "status"
    """Status 429 or 5xx."""
    TIMEOUT = "timeout"
    """No connection, no response or no further chunk within the timeout."""
    CONNECTION = "connection"
    """No connection, or one that was dropped before the response was complete."""
    TLS = "tls"
    """The TLS connection was dropped."""
    DURATION = "duration"
    """The response took longer than its time limit."""


class HttpError(Exception):
    """A request without a usable response."""


class TransientError(HttpError):
    """A failure that may not recur; the message is the end of a sentence."""

    def __init__(
        self, message: str, fault: Fault, *, may_have_been_applied: bool, wait_s: float | None = None, status: int = 0
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.may_have_been_applied = may_have_been_applied
        self.wait_s = wait_s
        """Delay of a ``Retry-After`` header, in seconds."""
        self.status = status
        """Status of the response; 0 for other faults."""


class CertificateError(HttpError):
    """The server's certificate cannot be verified; the request was not sent."""


class TlsError(HttpError):
    """
    The server refuses every TLS handshake, as a port that does not speak TLS; the request was not sent.

    The message is the reason, such as "wrong version number".
    """

    def __init__(self, message: str, origin: str) -> None:
        super().__init__(message)
        self.origin = origin


class RedirectError(HttpError):
    """The response is a redirect, which is not followed."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class TooLargeError(HttpError):
    """The response exceeds its size limit."""


class EncodingError(HttpError):
    """The content encoding of the response is invalid."""


class NotHttpError(HttpError):
    """The request cannot be sent, or the response is not HTTP; the message is the class of the cause."""


class _Connection(HTTPConnection):
    """An HTTP connection with a time limit for response headers, against servers that trickle them."""

    def getresponse(self) -> Any:
        """Wait for the response headers; shut the connection down after twice the read timeout."""
        with _time_limit(self.sock, self.timeout):
            return super().getresponse()


class _TlsConnection(HTTPSConnection):
    """An HTTPS connection with a time limit for response headers."""

    def getresponse(self) -> Any:
        """See ``_Connection``."""
        with _time_limit(self.sock, self.timeout):
            return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """HTTP adapter whose connections have a time limit for response headers."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Create the pool manager with the pool classes of this module."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def open_session() -> requests.Session:
    """Return a session whose connections have a time limit for response headers."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


def send(
    session: requests.Session,
    method: str,
    url: str,
    *,
    auth: AuthBase,
    params: Mapping[str, Any] | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: tuple[float, float] = TIMEOUT_S,
) -> requests.Response:
    """
    Send one request without retries.

    Args:
        session: Session that sends the request.
        method: HTTP method.
        url: Absolute URL.
        auth: Authentication; always required, so that ``requests`` takes none from the environment.
        params: Query parameters.
        body: JSON value.
        headers: Additional headers.
        timeout_s: Connect timeout, and read timeout between two chunks of the response, in seconds.

    Returns:
        A 2xx response, or a 4xx other than 429, with its content unread. The caller closes it.

    Raises:
        TransientError: Status 429 or 5xx, or no usable connection.
        CertificateError: The certificate cannot be verified.
        TlsError: The server refuses the TLS handshake.
        RedirectError: The response is a redirect.
        NotHttpError: The response is not HTTP.
    """
    try:
        response = session.request(
            method,
            url,
            params=params,
            data=None if body is None else json.dumps(body).encode(),
            headers={"User-Agent": f"trunkgate/{__version__}", **(headers or {})},
            auth=auth,
            timeout=timeout_s,
            allow_redirects=False,
            stream=True,
            verify=True,
            proxies=dict.fromkeys(("http", "https", "all"), "") if is_loopback(url) else None,
        )
    except (requests.Timeout, requests.ConnectionError) as exc:
        raise _translated(exc, url) from None
    except requests.RequestException as exc:
        raise NotHttpError(type(exc).__name__) from None
    status = response.status_code
    if OK <= status < REDIRECT or (CLIENT_ERROR <= status < SERVER_ERROR and status != TOO_MANY):
        return response
    response.close()
    if status == TOO_MANY or status >= SERVER_ERROR:
        raise TransientError(
            f"it answered {status}",
            Fault.STATUS,
            may_have_been_applied=status != TOO_MANY,
            wait_s=retry_after_s(response.headers.get("Retry-After")),
            status=status,
        )
    raise RedirectError(status)


def pieces(response: requests.Response, *, most: int, limit_s: float) -> Iterator[bytes]:
    """
    Yield the content of a response in chunks, as it arrives.

    Args:
        response: Response of ``send``.
        most: Maximum size in bytes, after decoding.
        limit_s: Maximum duration in seconds.

    Raises:
        TransientError: The connection was dropped, or the response took too long.
        TooLargeError: The response is larger than ``most``; the message is the limit, such as '1,000 bytes'.
        EncodingError: The content encoding of the response is invalid.
    """
    size = 0
    begun = time.monotonic()
    try:
        while piece := response.raw.read1(PIECE_BYTES, decode_content=True):
            size += len(piece)
            if size > most:
                raise TooLargeError(f"{most:,} bytes")
            if time.monotonic() - begun > limit_s:
                raise TransientError("its answer did not end in time", Fault.DURATION, may_have_been_applied=True)
            yield piece
    except urllib3.exceptions.DecodeError:
        raise EncodingError from None
    except (urllib3.exceptions.HTTPError, OSError) as exc:
        timed_out = isinstance(exc, urllib3.exceptions.TimeoutError | TimeoutError)
        raise TransientError(
            "the connection was cut before the answer was whole",
            Fault.TIMEOUT if timed_out else Fault.CONNECTION,
            may_have_been_applied=True,
        ) from None


def retry_after_s(value: str | None) -> float | None:
    """Return the delay of a ``Retry-After`` header in seconds, at most RETRY_AFTER_MAX_S; ``None`` if it is invalid."""
    if value is None:
        return None
    try:
        seconds: float = min(int(value), RETRY_AFTER_MAX_S)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - clocks.now()).total_seconds()
    return float(min(max(seconds, 0), RETRY_AFTER_MAX_S))


@contextmanager
def _time_limit(connection: Any, timeout_s: Any) -> Iterator[None]:
    """
    Shut a connection down unless the block ends within twice the read timeout.

    Raises:
        ConnectionAbortedError: The connection was shut down, which ``http.client`` takes for the end of the headers.
    """
    expired = Event()
    timer = Timer(2 * float(timeout_s or TIMEOUT_S[1]), _shut_down, [connection, expired])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if expired.is_set():
        raise ConnectionAbortedError


def _shut_down(connection: Any, expired: Event) -> None:
    expired.set()
    with suppress(OSError):  # the connection was closed in the meantime
        connection.shutdown(SHUT_RDWR)


def _translated(error: requests.RequestException, url: str) -> HttpError:
    """Return the error of a request without a response."""
    host = urlsplit(url).hostname
    if any(isinstance(reason, ssl.SSLCertVerificationError) for reason in _reasons(error)):
        return CertificateError(host)
    if refusal := _tls_refusal(error):
        return TlsError(refusal, origin_of(url))
    sent = not _was_never_sent(error)
    if isinstance(error, requests.exceptions.SSLError):
        return TransientError(f"the TLS connection to {host} failed", Fault.TLS, may_have_been_applied=sent)
    if isinstance(error, requests.Timeout):
        return TransientError(f"{host} did not answer in time", Fault.TIMEOUT, may_have_been_applied=sent)
    return TransientError(f"no connection to {host} held", Fault.CONNECTION, may_have_been_applied=sent)


def _tls_refusal(error: requests.RequestException) -> str:
    """
    Return why a TLS handshake failed, such as "wrong version number"; ``""`` if another attempt may succeed.

    That is so if the handshake was cut off, or the error occurred later, while a response was read.
    """
    passing = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
    for reason in _reasons(error):
        if isinstance(reason, ssl.SSLError) and not isinstance(reason, passing) and _in_handshake(reason):
            return (reason.reason or "no reason given").replace("_", " ").lower()
    return ""


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and, one after another, the errors that it wraps."""
    reason: object = error
    while isinstance(reason, BaseException):
        yield reason
        wrapped = (getattr(reason, "reason", None), *reason.args, reason.__cause__)
        reason = next((one for one in wrapped if isinstance(one, BaseException)), None)


def _in_handshake(error: BaseException) -> bool:
    """Return whether an error was raised by the TLS handshake, so before any byte of the request was sent."""
    return any(frame.f_code.co_name == "do_handshake" for frame, _ in traceback.walk_tb(error.__traceback__))


def _was_never_sent(error: requests.RequestException) -> bool:
    """Return whether the request failed before any byte of it was sent."""
    return isinstance(error, requests.ConnectTimeout) or any(
        isinstance(reason, urllib3.exceptions.NewConnectionError) or _in_handshake(reason) for reason in _reasons(error)
    )
