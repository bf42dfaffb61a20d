"""
One HTTP exchange, and when it may be had again.

Every request has a time limit, every answer a size limit, no redirect is followed, TLS is verified.

What is repeated, with back-off and the ``Retry-After`` that was asked for:

- after 429, or where no connection was made: any request, since nothing was carried out;
- after 5xx, a time-out or a cut connection: GET, and PATCH and DELETE, which set a state and so may be
  carried out twice;
- a POST that may have been carried out is not repeated. Its caller looks first.

Sources: developer.flowroute.com/api/errors (the statuses; the limits behind 429 are not published and
``Retry-After`` is not mentioned), RFC 9110 section 10.2.3 (``Retry-After``).
"""

from __future__ import annotations

import json
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
"""To connect, and between two pieces of an answer."""

ATTEMPTS = 5
BACK_OFF = wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5)
RETRY_AFTER_MAX_S = 60
PIECE_BYTES = 64 * 1024
OK, REDIRECT, CLIENT_ERROR, TOO_MANY, SERVER_ERROR = 200, 300, 400, 429, 500

Result = TypeVar("Result")


class PassingError(Exception):
    """A failure that may pass. It never leaves this package: ``repeat`` makes one of ours of it."""

    def __init__(self, said: str, *, carried_out: bool, wait_s: float | None = None) -> None:
        super().__init__(said)
        self.carried_out, self.wait_s = carried_out, wait_s


def checked_origin(url: str) -> str:
    """
    Return the origin that a key may be sent to.

    Raises:
        SettingsError: It is not an origin, or would carry the key in clear.
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
    Send one request once, and sort out what any request can meet.

    Args:
        session: The seam.
        method: HTTP method.
        url: Whole address.
        what: The request as messages name it.
        auth: What signs it; given always, so that nothing of the environment does.
        params: Query.
        body: JSON value.
        headers: Further headers.

    Returns:
        The answer, its content unread: 2xx, or 4xx other than 429. Close it.

    Raises:
        PassingError: 429, 5xx, or no usable connection.
        CarrierAnswerError: A redirect, a certificate that is not right, or not HTTP.
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
    except requests.exceptions.SSLError:
        host = urlsplit(url).hostname
        raise CarrierAnswerError(f"The certificate of {host} cannot be verified, so {what} was not sent.") from None
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
    Read an answer as it arrives.

    Args:
        answer: From ``send``.
        what: The request as messages name it.
        most: Bytes beyond which it is an error.
        limit_s: Seconds after which a trickle ends.

    Raises:
        PassingError: The connection was cut, or too slow.
        CarrierAnswerError: Too large, or wrongly encoded.
    """
    size, begun = 0, time.monotonic()
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
    Call ``once`` with the number of the attempt; again after a failure that may pass, where that is safe.

    Args:
        once: One exchange.
        what: The request as messages name it.
        who: Whom it goes to.
        may_repeat: Carried out twice, it does what it does once.
        sleep: Waits so many seconds.

    Raises:
        CarrierUnavailableError: It did not pass.
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
    """Return the seconds that a ``Retry-After`` asks for, at most RETRY_AFTER_MAX_S; ``None`` where it does not."""
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


def _never_made(error: requests.RequestException) -> bool:
    """Say whether the failure came before any byte of the request was sent."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, urllib3.exceptions.NewConnectionError)
