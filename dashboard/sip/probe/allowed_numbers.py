"""Which numbers a test call may go to: plain ones of the United States and Canada."""

from __future__ import annotations

from dashboard.core.errors import InputError
from dashboard.sip import Kind, parse_destination
from dashboard.sip.numbering_plan import kind_of

AT_HOME = frozenset({"US", "CA"})
DEAR = frozenset({"premium", "shared cost", "personal"})
INFORMATION, DEAR_AREAS = "976", frozenset({"600", "700", "710", "900"})
"""An exchange that bills by the call, and area codes of services, which each carrier bills its own way."""
DIRECTORY = "5551212"
"""Directory assistance of every area code, which bills by the call."""
SERVICE = "11"
"""How N11 codes end. No area code and no exchange ends so, and a switch may take one for the code."""


def safe_number(text: str) -> str:
    """
    Read the number of a test call.

    Args:
        text: Digits as they are dialed: 1 and ten digits; ``+``, spaces and hyphens are left out.

    Returns:
        The digits.

    Raises:
        InputError: It is no number, an emergency or service code, premium, or abroad.
    """
    digits = "".join(character for character in text if character not in "+-(). ")
    found = parse_destination(digits)
    inside = found.kind is Kind.NANP and SERVICE in (digits[2:4], digits[5:7])
    if found.kind is Kind.N11 or inside:
        what = "has a service code in it" if inside else "is a service code"
        raise InputError(f"{digits} {what}. A test call never goes to one; choose a number of your own.")
    if found.kind is not Kind.NANP or found.region not in AT_HOME:
        raise InputError(f"{digits} is abroad. A test call goes to a number in the United States or Canada only.")
    billed_by_call = digits[4:7] == INFORMATION or digits[4:] == DIRECTORY
    if kind_of(digits).number_type in DEAR or digits[1:4] in DEAR_AREAS or billed_by_call:
        raise InputError(f"{digits} is a premium number. A test call never goes to one; choose a number of your own.")
    return digits
