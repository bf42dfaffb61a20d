"""Numbers allowed for test calls: standard-rate numbers in the United States and Canada."""

from __future__ import annotations

from dashboard.core.errors import InputError
from dashboard.sip.destination import Kind, parse_destination
from dashboard.sip.numbering_plan import kind_of

AT_HOME = frozenset({"US", "CA"})
DEAR = frozenset({"premium", "shared cost", "personal"})
INFORMATION, DEAR_AREAS = "976", frozenset({"600", "700", "710", "900"})
"""Exchange billed per call, and service area codes, whose billing differs by carrier."""
DIRECTORY = "5551212"
"""Directory assistance in every area code, billed per call."""
SERVICE = "11"
"""Ending of N11 codes. No area code or exchange ends in 11; a switch may treat one as an N11 code."""


def safe_number(text: str) -> str:
    """
    Validate the number of a test call.

    Args:
        text: 1 and ten digits, as dialed; ``+``, spaces, hyphens, dots and parentheses are removed.

    Returns:
        The digits.

    Raises:
        InputError: The text is not a number, or is an emergency, service, premium or international number.
    """
    digits = "".join(character for character in text if character not in "+-(). ")
    destination = parse_destination(digits)
    inside = destination.kind is Kind.NANP and SERVICE in (digits[2:4], digits[5:7])
    if destination.kind is Kind.N11 or inside:
        fault = "has a service code in it" if inside else "is a service code"
        raise InputError(f"{digits} {fault}. A test call never goes to one; choose a number of your own.")
    if destination.kind is not Kind.NANP or destination.region not in AT_HOME:
        raise InputError(f"{digits} is abroad. A test call goes to a number in the United States or Canada only.")
    billed_by_call = digits[4:7] == INFORMATION or digits[4:] == DIRECTORY
    if kind_of(digits).number_type in DEAR or digits[1:4] in DEAR_AREAS or billed_by_call:
        raise InputError(f"{digits} is a premium number. A test call never goes to one; choose a number of your own.")
    return digits
