"""Which numbers a test call may go to: plain ones of the United States and Canada."""

from __future__ import annotations

from dashboard.calls.destinations import kind_of
from dashboard.dialing import Kind, parse_destination
from dashboard.errors import InputError

AT_HOME = frozenset({"US", "CA"})
DEAR = frozenset({"premium", "shared cost", "personal"})
INFORMATION, DEAR_AREAS = "976", frozenset({"900"})
"""An exchange and an area code that bill by the call; plans of single regions leave them out."""


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
    if found.kind is Kind.N11:
        raise InputError(f"{digits} is a service code. A test call never goes to one; choose a number of your own.")
    if found.kind is not Kind.NANP or found.region not in AT_HOME:
        raise InputError(f"{digits} is abroad. A test call goes to a number in the United States or Canada only.")
    if kind_of(digits).number_type in DEAR or digits[1:4] in DEAR_AREAS or digits[4:7] == INFORMATION:
        raise InputError(f"{digits} is a premium number. A test call never goes to one; choose a number of your own.")
    return digits
