"""
The admission rule, in the one place it is written, and policies as dated values.

The emulator's traffic, the replay, the checks and the SIP edge of the lab all follow ``admit``.
``tests/domain/admission_cases.csv`` holds every one of them to it. Facts are three-valued: ``None`` is not
known. A decision with unknown facts is made only where every completion of them agrees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import product

ACL_REASON = "Tech Prefix and IP not in ACL - support@flowroute.com"
"""Reason phrase of the carrier's 403 for a source and prefix that are not authorized together."""

CHALLENGE_REASON = "Proxy Authentication Required"
DEFAULT_NO_PATH_STATUS = 403
"""Emulated code where credentials are off and no prefix is dialed; the carrier's own is not known."""


@dataclass(frozen=True)
class Observations:
    """
    The rule's two unknowns. ``None`` until somebody has observed the carrier do it.

    Source: the carrier documents neither; a real account starts with both unknown.
    """

    digest_rescues_prefix: bool | None = None
    """Prefix dialed, source not authorized with it, credentials on, digest valid: is the call admitted?"""

    no_path_status: int | None = None
    """SIP status of a call without a prefix while credentials are off (it is refused either way)."""


@dataclass(frozen=True)
class CallFacts:
    """What bears on one outbound call."""

    dials_prefix: bool | None
    authorized: bool | None
    """The prefix dialed is the account's and the source address is on its list."""
    credentials_on: bool | None
    digest_valid: bool | None


@dataclass(frozen=True)
class Decision:
    """What becomes of a call. ``admitted`` is ``None`` where nobody can tell."""

    admitted: bool | None
    by: str = ""
    """``ip``, ``credentials``, or ``""`` (refused, or several ways agree on admission)."""
    sip_status: int | None = None
    """Of a refusal, where known."""
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
        facts: What is known of the call and of the account at that time.
        observed: What has been observed of the carrier where it documents nothing.

    Returns:
        The decision; ``CANNOT_TELL`` where the unknown facts leave both ways open.
    """
    ways = {
        _admit(prefix, together, credentials, digest, observed)
        for prefix, together, credentials, digest in product(
            _values(facts.dials_prefix),
            _values(facts.authorized),
            _values(facts.credentials_on),
            _values(facts.digest_valid),
        )
    }
    if len(ways) == 1:
        return ways.pop()
    answers = {way.admitted for way in ways}
    if len(answers) != 1 or None in answers:
        return CANNOT_TELL
    return Decision(admitted=answers.pop())


def _values(fact: bool | None) -> tuple[bool, ...]:  # noqa: FBT001 - a fact is a value, not a switch
    return (True, False) if fact is None else (fact,)


def _admit(
    prefix: bool,  # noqa: FBT001 - the four columns of the rule's table, in its order
    together: bool,  # noqa: FBT001 - as above
    credentials: bool,  # noqa: FBT001 - as above
    digest: bool,  # noqa: FBT001 - as above
    observed: Observations,
) -> Decision:
    """Read one row of the table; every fact is known here."""
    if prefix and together:
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
    """An account's admission policy as it stands, or stood, or is proposed."""

    networks: frozenset[str] = field(default_factory=frozenset)
    """Entries of Outbound Allowed IPs, addresses or CIDR."""
    credentials_on: bool | None = None
    tech_prefix: str = ""
    prefix_known: bool = True
    """False where nobody knows the account's tech prefix: then only calls prove that a PBX dials that very one."""


@dataclass(frozen=True)
class PolicyVersion:
    """A policy and the instant from which it was in force (until the next version's)."""

    policy: Policy
    valid_from: datetime
