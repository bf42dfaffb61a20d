"""
Single HTTP requests, and the retry policy for transient failures.

Every request has a timeout, every response a size limit. Redirects are not followed. TLS is verified.

Retries use exponential back-off, or the delay of a ``Retry-After`` header:

- after 429, or if no connection was established: any method, because the request was not applied;
- after 5xx, a timeout or a dropped connection: GET, and PATCH and DELETE, which set a state and so may be
  applied twice;
- a POST that may have been applied is not retried. Its caller checks the state first.

Sources: developer.flowroute.com/api/errors (the statuses; the limits behind 429 are not published and
``Retry-After`` is not mentioned), RFC 9110 section 10.2.3 (``Retry-After``).
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from dashboard import __version__
from dashboard.core import clocks
from dashboard.core.endpoints import is_loopback, key_origin
from dashboard.core.errors import CarrierAnswerError, CarrierUnavailableError, SettingsError

TIMEOUT_S = (5.0, 30.0)
"""Connect timeout, and read timeout between two chunks of a response."""

ATTEMPTS = 5
BACK_OFF = wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5)
RETRY_AFTER_MAX_S = 60
PIECE_BYTES = 64 * 1024
OK = 200
REDIRECT = 300
CLIENT_ERROR = 400
TOO_MANY = 429
SERVER_ERROR = 500

Result = TypeVar("Result")


class PassingError(Exception):
    """Transient failure, internal to this package: ``repeat`` translates it into ``CarrierUnavailableError``."""

    def __init__(self, said: str, *, carried_out: bool, wait_s: float | None = None) -> None:
        super().__init__(said)
        self.carried_out = carried_out
        self.wait_s = wait_s


def checked_origin(url: str) -> str:
    """
    Return the origin of a URL that the API key may be sent to.

    Raises:
        SettingsError: The URL is not an origin, or would send the key in clear text.
    """
    try:
        return key_origin(url)
    except ValueError as exc:
        raise SettingsError(f"FLOWROUTE_BASE_URL {exc}.") from None


def send(
    session: requests.Session,
    method: str,
    url: str,
    *,
    what: str,
    auth: AuthBase,
    params: Mapping[str, Any] | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> requests.Response:
    """
    Send one request without retries, and translate its failures.

    Args:
        session: Session that sends the request.
        method: HTTP method.
        url: Absolute URL.
        what: Name of the request in messages.
        auth: Authentication; always required, so that ``requests`` takes none from the environment.
        params: Query parameters.
        body: JSON value.
        headers: Additional headers.

    Returns:
        A 2xx response, or a 4xx other than 429, with its content unread. The caller closes it.

    Raises:
        PassingError: Status 429 or 5xx, or no usable connection.
        CarrierAnswerError: A redirect, an invalid certificate, or a response that is not HTTP.
    """
    try:
        answer = session.request(
            method,
            url,
            params=params,
            data=None if body is None else json.dumps(body).encode(),
            headers={"User-Agent": f"trunkgate/{__version__}", **(headers or {})},
            auth=auth,
            timeout=TIMEOUT_S,
            allow_redirects=False,
            stream=True,
            verify=True,
            proxies=dict.fromkeys(("http", "https", "all"), "") if is_loopback(url) else None,
        )
    except requests.exceptions.SSLError as exc:
        host = urlsplit(url).hostname
        if _is_of_certificate(exc):
            raise CarrierAnswerError(f"The certificate of {host} cannot be verified, so {what} was not sent.") from None
        raise PassingError(f"the TLS connection to {host} failed", carried_out=True) from None
    except (requests.Timeout, requests.ConnectionError) as exc:
        host = urlsplit(url).hostname
        said = (
            f"{host} did not answer in time" if isinstance(exc, requests.Timeout) else f"no connection to {host} held"
        )
        raise PassingError(said, carried_out=not _never_made(exc)) from None
    except requests.RequestException as exc:
        raise CarrierAnswerError(f"There was no usable answer to {what} ({type(exc).__name__}).") from None
    status = answer.status_code
    if OK <= status < REDIRECT or (CLIENT_ERROR <= status < SERVER_ERROR and status != TOO_MANY):
        return answer
    answer.close()
    if status == TOO_MANY or status >= SERVER_ERROR:
        wait_s = retry_after_s(answer.headers.get("Retry-After"))
        raise PassingError(f"it answered {status}", carried_out=status != TOO_MANY, wait_s=wait_s)
    raise CarrierAnswerError(
        f"{what} was answered with {status}, which leads elsewhere. It was not followed, because that could carry "
        "a secret to another host. Check that the configured address is the carrier's own."
    )


def pieces(answer: requests.Response, what: str, *, most: int, limit_s: float) -> Iterator[bytes]:
    """
    Yield the content of a response in chunks, as it arrives.

    Args:
        answer: Response of ``send``.
        what: Name of the request in messages.
        most: Maximum size in bytes, after decoding.
        limit_s: Maximum duration in seconds.

    Raises:
        PassingError: The connection was dropped, or the response took too long.
        CarrierAnswerError: The response is too large, or its content encoding is invalid.
    """
    size = 0
    begun = time.monotonic()
    try:
        while piece := answer.raw.read1(PIECE_BYTES, decode_content=True):
            size += len(piece)
            if size > most:
                raise CarrierAnswerError(f"The answer to {what} is larger than {most:,} bytes and was not taken.")
            if time.monotonic() - begun > limit_s:
                raise PassingError("its answer did not end in time", carried_out=True)
            yield piece
    except urllib3.exceptions.DecodeError:
        raise CarrierAnswerError(f"The answer to {what} is wrongly encoded and was not taken.") from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise PassingError("the connection was cut before the answer was whole", carried_out=True) from None


def repeat(
    once: Callable[[int], Result], *, what: str, who: str, may_repeat: bool, sleep: Callable[[float], None]
) -> Result:
    """
    Call ``once``, and retry after transient failures if a retry is safe.

    Args:
        once: Function that sends the request; takes the number of the attempt, from 1.
        what: Name of the request in messages.
        who: Name of the recipient in messages.
        may_repeat: The request is idempotent.
        sleep: Function that waits for a number of seconds.

    Raises:
        CarrierUnavailableError: The last attempt failed too, or a retry is not safe.
    """
    attempts = count(1)
    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=_pause_s,
        retry=retry_if_exception(lambda e: isinstance(e, PassingError) and (may_repeat or not e.carried_out)),
        sleep=sleep,
        reraise=True,
    )
    try:
        return retrying(lambda: once(next(attempts)))
    except PassingError as exc:
        unsure = " It may have been carried out all the same." if exc.carried_out and not may_repeat else ""
        raise CarrierUnavailableError(
            f"{who} gave no usable answer to {what}: {exc}.{unsure} Try again later."
        ) from exc


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


def _pause_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, PassingError) else None
    return float(BACK_OFF(state)) if asked is None else asked


def _is_of_certificate(error: requests.exceptions.SSLError) -> bool:
    """Return whether the server's certificate was refused; other TLS errors also occur while an answer is read."""
    reason: object = error
    while isinstance(reason, BaseException):
        if isinstance(reason, ssl.SSLCertVerificationError):
            return True
        reason = getattr(reason, "reason", None) or next(iter(reason.args), None)
    return False


def _never_made(error: requests.RequestException) -> bool:
    """Return whether the request failed before any byte of it was sent."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, urllib3.exceptions.NewConnectionError)
