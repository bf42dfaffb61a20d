"""What an answer to a probe means for the account, as a sentence."""

from __future__ import annotations

from dashboard.calls.outcomes import outcome
from dashboard.probing.messages import Answer

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
WENT_THROUGH = ("answered", "busy_or_no_answer", "gave_up")
REFUSALS = ("refused_auth", "refused_unknown")
FORBIDDEN = 403


def of_options(answer: Answer | None, *, strange: bool, source: str, seconds: float) -> str:
    """
    Say what became of OPTIONS.

    Args:
        answer: Its answer, if one came.
        strange: Something came that was no answer.
        source: Address it was sent from.
        seconds: How long it was waited for.
    """
    return REACHED if answer else _nothing(strange=strange, source=source, seconds=seconds)


def of_call(
    answer: Answer | None, *, prefixed: bool, trying: bool, strange: bool, source: str, seconds: float
) -> tuple[bool | None, str]:
    """
    Say whether a test call was let in, ``None`` where nobody can tell, and what became of it.

    Args:
        answer: The last that says something: ringing, or a final one.
        prefixed: The tech prefix was dialed.
        trying: The PoP took it and said nothing more.
        strange: Something came that was no answer.
        source: Address it was sent from.
        seconds: How long it was waited for.
    """
    if answer is None:
        silent = _nothing(strange=strange, source=source, seconds=seconds)
        return None, TRYING.format(seconds=seconds) if trying else silent
    ended = "answered" if answer.status in RINGS else outcome("", answer.status, answer.reason)
    if ended in WENT_THROUGH:
        return True, BY_PREFIX.format(source=source) if prefixed else WITHOUT_PREFIX
    if ended == "refused_auth" and (prefixed or answer.status == FORBIDDEN):
        return False, (NOT_LISTED if answer.status == FORBIDDEN else CHALLENGED).format(source=source)
    return False if ended in REFUSALS else None, OF_OUTCOME[ended]


def _nothing(*, strange: bool, source: str, seconds: float) -> str:
    return NO_SIP if strange else SILENT.format(seconds=seconds, source=source)
