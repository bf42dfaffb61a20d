"""
The admission rule, in its only implementation, and policies as dated values.

The emulator's traffic and the replay use ``admit``. The lab's SIP edge has the rule in its own language;
``tests/domain/admission_cases.csv`` tests both against the same cases. Facts are three-valued: ``None`` means
unknown. ``admit`` decides with unknown facts only if every possible value of them gives the same decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import product

from dashboard.core.addresses import contains

SECOND = timedelta(seconds=1)

ACL_REASON = "Tech Prefix and IP not in ACL - support@flowroute.com"
"""Reason phrase of the carrier's 403 for a source and prefix that are not authorized together."""

CHALLENGE_REASON = "Proxy Authentication Required"
DEFAULT_NO_PATH_STATUS = 403
"""Emulated SIP status of a call without a prefix while credentials are off; the carrier's own status is not known."""


@dataclass(frozen=True)
class Observations:
    """
    The two unknowns of the rule; ``None`` until the carrier's behavior has been observed.

    The carrier documents neither, so a real account starts with both unknown.
    """

    digest_rescues_prefix: bool | None = None
    """Prefix dialed, source not authorized with it, credentials on, digest valid: is the call admitted?"""

    no_path_status: int | None = None
    """SIP status of a call without a prefix while credentials are off (it is refused either way)."""


@dataclass(frozen=True)
class CallFacts:
    """Facts that decide the admission of one outbound call."""

    dials_prefix: bool | None
    authorized: bool | None
    """Whether the prefix dialed is the account's and the source address is on the account's list."""
    credentials_on: bool | None
    digest_valid: bool | None


@dataclass(frozen=True)
class Decision:
    """Admission decision for one call; ``admitted`` is ``None`` if it cannot be decided."""

    admitted: bool | None
    by: str = ""
    """``ip``, ``credentials``, or ``""`` (refused, or several methods agree on admission)."""
    sip_status: int | None = None
    """SIP status of a refusal, if known."""
    sip_reason: str = ""


CANNOT_TELL = Decision(admitted=None)
BY_IP = Decision(admitted=True, by="ip")
BY_CREDENTIALS = Decision(admitted=True, by="credentials")
NOT_IN_ACL = Decision(admitted=False, sip_status=403, sip_reason=ACL_REASON)
CHALLENGED = Decision(admitted=False, sip_status=407, sip_reason=CHALLENGE_REASON)


@lru_cache(maxsize=4096)
def admit(facts: CallFacts, observed: Observations) -> Decision:
    """
    Apply the admission rule to one outbound call.

    Args:
        facts: Known facts about the call and about the account at that time.
        observed: Observed behavior of the carrier that it does not document.

    Returns:
        The decision; ``CANNOT_TELL`` if the unknown facts allow both admission and refusal.
    """
    decisions = {
        _admit(prefix, authorized, credentials, digest, observed)
        for prefix, authorized, credentials, digest in product(
            _values(facts.dials_prefix),
            _values(facts.authorized),
            _values(facts.credentials_on),
            _values(facts.digest_valid),
        )
    }
    if len(decisions) == 1:
        return decisions.pop()
    answers = {decision.admitted for decision in decisions}
    if len(answers) != 1 or None in answers:
        return CANNOT_TELL
    return Decision(admitted=answers.pop())


def _values(fact: bool | None) -> tuple[bool, ...]:  # noqa: FBT001 - a fact is a value, not a switch
    return (True, False) if fact is None else (fact,)


def _admit(
    prefix: bool,  # noqa: FBT001 - the four columns of the rule's table, in its order
    authorized: bool,  # noqa: FBT001 - as above
    credentials: bool,  # noqa: FBT001 - as above
    digest: bool,  # noqa: FBT001 - as above
    observed: Observations,
) -> Decision:
    """Return the decision of one row of the rule's table; every fact is known here."""
    if prefix and authorized:
        return BY_IP
    if prefix and not (credentials and digest):
        return NOT_IN_ACL
    if prefix:
        return {True: BY_CREDENTIALS, False: NOT_IN_ACL, None: CANNOT_TELL}[observed.digest_rescues_prefix]
    if credentials and digest:
        return BY_CREDENTIALS
    if credentials:
        return CHALLENGED
    return Decision(admitted=False, sip_status=observed.no_path_status)


@dataclass(frozen=True)
class Policy:
    """An account's admission policy: current, past or proposed."""

    networks: frozenset[str] = field(default_factory=frozenset)
    """Entries of Outbound Allowed IPs, addresses or CIDR."""
    credentials_on: bool | None = None
    tech_prefix: str = ""
    prefix_known: bool = True
    """False if the account's tech prefix is unknown: then only calls prove that a PBX dials the right one."""


@dataclass(frozen=True)
class PolicyVersion:
    """A policy and the instant from which it was in force, until that of the next version."""

    policy: Policy
    valid_from: datetime


def changed_at(versions: Sequence[PolicyVersion], address: str) -> datetime | None:
    """
    Return the latest instant at which the policy for an address changed; ``None`` if it never did.

    The policy for an address is whether it is listed, the credentials switch, and the tech prefix. The first version on
    record is not a change, because it is the initial state.

    Args:
        versions: Policy versions, oldest first.
        address: Source address.
    """
    states = [(contains(v.policy.networks, address), v.policy.credentials_on, v.policy.tech_prefix) for v in versions]
    changes = [n for n in range(1, len(states)) if states[n] != states[n - 1]]
    return versions[changes[-1]].valid_from if changes else None


def counts_from(change: datetime) -> datetime:
    """Return the time from which calls reflect a policy change: the next second, because CDRs have whole seconds."""
    return change.replace(microsecond=0) + SECOND
