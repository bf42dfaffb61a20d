"""
Single HTTP requests, and the retry policy for transient failures.

Every request has a timeout, every response a size limit. Redirects are not followed. TLS is verified.

Retries use exponential back-off, or the delay of a ``Retry-After`` header:

- after 429, or if no connection was established (TCP or TLS): any method, because the request was not applied;
- after 5xx, a timeout or a dropped connection: GET, and PATCH and DELETE, which set a state and so may be
  applied twice;
- a POST that may have been applied is not retried. Its caller checks the state first;
- a port that does not speak TLS, or no version of it that is safe, is an error at once.

The delays that a server asks for are limited, one by one and in all (``Waits``).

Sources: developer.flowroute.com/api/errors (the statuses; the limits behind 429 are not published and
``Retry-After`` is not mentioned), RFC 9110 section 10.2.3 (``Retry-After``).
"""

from __future__ import annotations

import json
import ssl
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from dashboard import __version__
from dashboard.core import clocks
from dashboard.core.endpoints import is_loopback, key_origin, origin_of
from dashboard.core.errors import CarrierAnswerError, CarrierUnavailableError, SettingsError

TIMEOUT_S = (5.0, 30.0)
"""Connect timeout, and read timeout between two chunks of a response."""

ATTEMPTS = 5
BACK_OFF = wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5)
RETRY_AFTER_MAX_S = 60
WAITS_MAX_S = 120.0
"""Limit of all delays of ``Retry-After`` headers during one request, or one list of several pages, in seconds."""
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


class Waits:
    """Delays of ``Retry-After`` headers; requests that share an object share the limit ``WAITS_MAX_S``."""

    def __init__(self) -> None:
        self._total_s = 0.0
        self.exceeded = False
        """Whether a delay was not waited for because of the limit."""

    def may_retry(self, error: PassingError) -> bool:
        """Count the delay that an error asks for; return whether it is within the limit."""
        asked = error.wait_s or 0.0
        self.exceeded = self._total_s + asked > WAITS_MAX_S
        self._total_s += 0.0 if self.exceeded else asked
        return not self.exceeded


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
        CarrierAnswerError: A redirect, an invalid certificate, no TLS, or a response that is not HTTP.
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
    except (requests.Timeout, requests.ConnectionError) as exc:
        host = urlsplit(url).hostname
        if is_of_certificate(exc):
            raise CarrierAnswerError(f"The certificate of {host} cannot be verified, so {what} was not sent.") from None
        if reason := tls_refusal(exc):
            raise CarrierAnswerError(
                f"{origin_of(url)} does not complete a TLS handshake ({reason}), so {what} was not sent. Check the "
                "configured address: host and port have to be those of an HTTPS server."
            ) from None
        said = f"no connection to {host} held"
        if isinstance(exc, requests.exceptions.SSLError):
            said = f"the TLS connection to {host} failed"
        elif isinstance(exc, requests.Timeout):
            said = f"{host} did not answer in time"
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
    once: Callable[[int], Result],
    *,
    what: str,
    who: str,
    may_repeat: bool,
    sleep: Callable[[float], None],
    waits: Waits | None = None,
) -> Result:
    """
    Call ``once``, and retry after transient failures if a retry is safe.

    Args:
        once: Function that sends the request; takes the number of the attempt, from 1.
        what: Name of the request in messages.
        who: Name of the recipient in messages.
        may_repeat: The request is idempotent.
        sleep: Function that waits for a number of seconds.
        waits: Limit of the delays that the recipient asks for; by default one of this request alone.

    Raises:
        CarrierUnavailableError: The last attempt failed too, a retry is not safe, or the recipient asks for too long
            delays.
    """
    attempts = count(1)
    limit = waits or Waits()
    retrying = Retrying(
        stop=lambda state: state.attempt_number >= ATTEMPTS or not limit.may_retry(_error_of(state)),
        wait=_pause_s,
        retry=retry_if_exception(lambda e: isinstance(e, PassingError) and (may_repeat or not e.carried_out)),
        sleep=sleep,
        reraise=True,
    )
    try:
        return retrying(lambda: once(next(attempts)))
    except PassingError as exc:
        unsure = " It may have been carried out all the same." if exc.carried_out and not may_repeat else ""
        long = f" It asked for delays of over {WAITS_MAX_S:.0f} s in all, which is the limit." if limit.exceeded else ""
        raise CarrierUnavailableError(
            f"{who} gave no usable answer to {what}: {exc}.{unsure}{long} Try again later."
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
    asked = _error_of(state).wait_s
    return float(BACK_OFF(state)) if asked is None else asked


def _error_of(state: RetryCallState) -> PassingError:
    """Return the failure of the last attempt; only a ``PassingError`` is retried."""
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, PassingError):
        raise TypeError(f"{error!r} is not retried")
    return error


def is_of_certificate(error: requests.RequestException) -> bool:
    """Return whether the server's certificate was refused."""
    return any(isinstance(reason, ssl.SSLCertVerificationError) for reason in _reasons(error))


def tls_refusal(error: requests.RequestException) -> str:
    """
    Return why a TLS handshake failed, such as "wrong version number"; ``""`` if another attempt may succeed.

    That is so if the handshake was cut off, or the error occurred later, while an answer was read.
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


def _never_made(error: requests.RequestException) -> bool:
    """Return whether the request failed before any byte of it was sent."""
    reasons = list(_reasons(error))
    return isinstance(error, requests.ConnectTimeout) or any(
        isinstance(reason, urllib3.exceptions.NewConnectionError) or _in_handshake(reason) for reason in reasons
    )
