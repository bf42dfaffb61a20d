"""Interpretation of probe responses: what they mean for the account, as sentences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from dashboard.core.addresses import contains, special_purpose
from dashboard.domain.admission import Policy
from dashboard.schemas.tables import ADMISSION, PROVES, REFUSAL
from dashboard.sip.call_outcomes import outcome
from dashboard.sip.probe.messages import SipResponse

RINGS = range(180, 200)
REACHED = "The PoP answers from here. That is not yet to be admitted: only a test call (--number) shows it."
SILENT = (
    "Nothing came back in {seconds:g} s. The PoP cannot be reached from {source}, or a firewall on the way drops it."
)
NO_LINE = "No connection: {why}. The PoP, the port or the transport is another, or a firewall on the way refuses it."
NO_SIP = "Something answers there, but not in SIP. Check host, port and transport."
TRYING = "The PoP took the call and then said nothing more in {seconds:g} s. Try again."
BY_PREFIX = "Admitted by address and tech prefix: {source}, as the carrier sees it, is on the list."
WITHOUT_PREFIX = "The call went through without a tech prefix and without credentials."
OF_OUTCOME = {
    "refused_auth": "Refused: the carrier wants credentials, as the tech prefix was left out.",
    "refused_unknown": "Refused, and the carrier does not say why: authorization, a destination that is barred, or a "
    "limit of the account.",
    "bad_number": "The number was refused, not the caller: it is wrong or out of service.",
    "media": "The sound offered was refused, not the caller.",
    "network": "The carrier or the network failed; this says nothing of admission. Try again.",
    "other": "An answer that says nothing of admission.",
}
NOT_LISTED = (
    "Refused: the tech prefix and the address the carrier sees are not authorized together. Compare the prefix, and "
    "the public address of {source} with Outbound Allowed IPs."
)
CHALLENGED = (
    "Refused: the carrier wants credentials, as of any call that prefix and address do not let in. Compare the prefix, "
    "and the public address of {source} with Outbound Allowed IPs."
)
FORBIDDEN = 403


@dataclass(frozen=True)
class ProbeContext:
    """The account data that a probe result is compared with."""

    policy: Policy
    read_at: datetime
    """When the allow list and the credentials switch were read, UTC; the older of the two."""
    sample: bool = False
    public: Collection[str] = ()
    """Special-purpose networks to treat as public."""


def of_options(answer: SipResponse | None, *, strange: bool, source: str, seconds: float) -> str:
    """
    Return the meaning of the response to an OPTIONS request.

    Args:
        answer: The response; ``None`` if none arrived.
        strange: Whether data arrived that is not a SIP response.
        source: Source address of the request.
        seconds: Time waited, in seconds.
    """
    return REACHED if answer else _no_response_text(strange=strange, source=source, seconds=seconds)


def of_call(
    answer: SipResponse | None, *, prefixed: bool, trying: bool, strange: bool, source: str, seconds: float
) -> tuple[bool | None, str]:
    """
    Return whether the carrier admitted a test call (``None`` if undecided), and the meaning of its response.

    Args:
        answer: The deciding response: ringing or final; ``None`` if none arrived.
        prefixed: Whether the tech prefix was dialed.
        trying: Whether the PoP sent 100 Trying.
        strange: Whether data arrived that is not a SIP response.
        source: Source address of the request.
        seconds: Time waited, in seconds.
    """
    if answer is None:
        silent = _no_response_text(strange=strange, source=source, seconds=seconds)
        return None, TRYING.format(seconds=seconds) if trying else silent
    ended = "answered" if answer.status in RINGS else outcome("", answer.status, answer.reason)
    if PROVES[ended] == ADMISSION:
        return True, BY_PREFIX.format(source=source) if prefixed else WITHOUT_PREFIX
    if ended == "refused_auth" and (prefixed or answer.status == FORBIDDEN):
        return False, (NOT_LISTED if answer.status == FORBIDDEN else CHALLENGED).format(source=source)
    return False if PROVES[ended] == REFUSAL else None, OF_OUTCOME[ended]


def of_account(context: ProbeContext, *, source: str, request_uri: str) -> str:
    """
    Compare an answered test call with the account: allow list, tech prefix and credentials switch.

    Args:
        context: The account.
        source: Source address of the call.
        request_uri: Request-URI of the call, with the tech prefix if one was dialed; ``""`` if it was not recorded.
    """
    policy = context.policy
    clauses = [_listed(context, source)]
    if request_uri:
        prefix = _prefix_of(request_uri)
        if not prefix:
            clauses.append("no tech prefix was dialed")
        elif policy.tech_prefix:
            clauses.append(
                f"the tech prefix that was dialed is {'' if prefix == policy.tech_prefix else 'not '}its own"
            )
    if policy.credentials_on is not None:
        clauses.append(f"credentials are {'on' if policy.credentials_on else 'off'}")
    account = "sample account" if context.sample else "account"
    return f"By what was read of the {account} at {context.read_at:%Y-%m-%d %H:%M} UTC: {'; '.join(clauses)}."


def _listed(context: ProbeContext, source: str) -> str:
    if contains(context.policy.networks, source):
        return f"{source} is on Outbound Allowed IPs"
    purpose = special_purpose(source)
    if purpose and not contains(context.public, source):
        return f"{source} is {purpose}, and the carrier sees another one, which is not known here"
    return f"{source} is not on Outbound Allowed IPs"


def _prefix_of(request_uri: str) -> str:
    """Return the tech prefix before the dialed number; ``""`` if there is none."""
    return request_uri.partition(":")[2].partition("@")[0].rpartition("*")[0]


def _no_response_text(*, strange: bool, source: str, seconds: float) -> str:
    return NO_SIP if strange else SILENT.format(seconds=seconds, source=source)
