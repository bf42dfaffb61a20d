"""
Retry policy for transient failures of requests to a carrier, and their translation into ``CarrierError``.

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

from collections.abc import Callable
from itertools import count
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from dashboard.core.endpoints import key_origin
from dashboard.core.errors import CarrierAnswerError, CarrierUnavailableError, SettingsError
from dashboard.core.http.exchange import (
    CertificateError,
    EncodingError,
    Fault,
    HttpError,
    RedirectError,
    TlsError,
    TooLargeError,
    TransientError,
)

ATTEMPTS = 5
BACK_OFF = wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5)
WAITS_MAX_S = 120.0
"""Limit of all delays of ``Retry-After`` headers during one request, or one list of several pages, in seconds."""
CURES = dict.fromkeys(
    (Fault.CONNECTION, Fault.TIMEOUT, Fault.TLS),
    "Check this machine's network and its proxy settings; if they are in order, try again later.",
)
"""Remedy for faults whose cause may be on this machine; for all others only time helps."""

Result = TypeVar("Result")


class Waits:
    """Delays of ``Retry-After`` headers; requests that share an object share the limit ``WAITS_MAX_S``."""

    def __init__(self) -> None:
        self._total_s = 0.0
        self.exceeded = False
        """Whether a delay was not waited for because of the limit."""

    def may_retry(self, error: TransientError) -> bool:
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


def with_retries(
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
        CarrierAnswerError: A redirect, an invalid certificate, no TLS, or a response that is too large or invalid.
    """
    attempts = count(1)
    limit = waits or Waits()
    retrying = Retrying(
        stop=lambda state: state.attempt_number >= ATTEMPTS or not limit.may_retry(_error_of(state)),
        wait=_pause_s,
        retry=retry_if_exception(
            lambda e: isinstance(e, TransientError) and (may_repeat or not e.may_have_been_applied)
        ),
        sleep=sleep,
        reraise=True,
    )
    try:
        return retrying(lambda: once(next(attempts)))
    except TransientError as exc:
        unsure = " It may have been carried out all the same." if exc.may_have_been_applied and not may_repeat else ""
        long = f" It asked for delays of over {WAITS_MAX_S:.0f} s in all, which is the limit." if limit.exceeded else ""
        cure = CURES.get(exc.fault, "Try again later.")
        raise CarrierUnavailableError(f"{who} gave no usable answer to {what}: {exc}.{unsure}{long} {cure}") from exc
    except HttpError as exc:
        raise CarrierAnswerError(_sentence(exc, what)) from None


def _sentence(error: HttpError, what: str) -> str:
    match error:
        case CertificateError():
            return f"The certificate of {error} cannot be verified, so {what} was not sent."
        case TlsError():
            return (
                f"{error.origin} does not complete a TLS handshake ({error}), so {what} was not sent. Check the "
                "configured address: host and port have to be those of an HTTPS server."
            )
        case RedirectError():
            return (
                f"{what} was answered with {error.status}, which leads elsewhere. It was not followed, because that "
                "could carry a secret to another host. Check that the configured address is the carrier's own."
            )
        case TooLargeError():
            return f"The answer to {what} is larger than {error} and was not taken."
        case EncodingError():
            return f"The answer to {what} is wrongly encoded and was not taken."
        case _:
            return f"There was no usable answer to {what} ({error})."


def _pause_s(state: RetryCallState) -> float:
    wait_s = _error_of(state).wait_s
    return float(BACK_OFF(state)) if wait_s is None else wait_s


def _error_of(state: RetryCallState) -> TransientError:
    """Return the failure of the last attempt; only a ``TransientError`` is retried."""
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, TransientError):
        raise TypeError(f"{error!r} is not retried")
    return error
