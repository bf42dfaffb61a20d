"""
Tech prefix and destination: the digits that the carrier accepts.

The carrier may rate a number of the wrong length as another country instead of rejecting it (its article on
dialing formats), so length and country are checked before a call is placed. The valid lengths per country
come from ``phonenumbers``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from phonenumbers import ValidationResult

from dashboard.core.errors import DialStringError
from dashboard.core.text import counted, quoted

PREFIX_LENGTH = 8
E164_LENGTH = 15
NANP_LENGTH = 11
WRONG_BEGINNINGS = {"+": "plus_left_in", "011": "access_code_left_in"}
"""Issue code by international prefix that people dial before a country code and the carrier does not accept."""

_NANP_TEN = re.compile(r"[2-9]\d{2}[2-9]\d{6}", re.ASCII)
_N11 = re.compile(r"[2-9]11", re.ASCII)
_PUNCTUATION = re.compile(r"[\s().-]")
_NO_COUNTRY = ("ZZ", "001")


class Kind(StrEnum):
    """Kind of a destination."""

    NANP = "nanp"
    INTERNATIONAL = "international"
    N11 = "n11"


@dataclass(frozen=True)
class Destination:
    """A number as dialed: digits only."""

    digits: str
    kind: Kind
    region: str
    """ISO 3166 code of the country, if known; ``""`` for N11 codes and non-geographic numbers."""

    @property
    def e164(self) -> str:
        """Return the number with ``+``; an N11 code, which has no E.164 form, is returned unchanged."""
        return self.digits if self.kind is Kind.N11 else f"+{self.digits}"


@dataclass(frozen=True)
class Issue:
    """One fault of a dial string: a stable code, and a sentence with the remedy."""

    code: str
    sentence: str


def parse_tech_prefix(text: str) -> str:
    """
    Parse an account's tech prefix.

    Raises:
        DialStringError: The text is not exactly eight digits; the message states the difference.
    """
    if not text:
        raise DialStringError("The tech prefix is empty. The carrier's account profile shows its eight digits.")
    if re.fullmatch(rf"\d{{{PREFIX_LENGTH}}}", text, re.ASCII):
        return text
    shown = quoted(text, 40)
    if re.search(r"[^\W\d_]", text):
        raise DialStringError(f"The tech prefix {shown} has letters in it. It is eight digits and nothing else.")
    if re.fullmatch(r"\d+", text, re.ASCII):
        raise DialStringError(
            f"The tech prefix {shown} has {counted(len(text), 'digit')}. It has eight: copy it whole from the account "
            "profile."
        )
    raise DialStringError(
        f"The tech prefix {shown} has more than digits in it. Write its eight digits, without * or #."
    )


def parse_destination(text: str, *, abroad: bool = False) -> Destination:
    """
    Parse a destination in the format that the carrier accepts.

    Args:
        text: Digits: 1 and ten digits, country code and number, or an N11 code.
        abroad: Whether ten digits that could be a North American number without its 1 are an international number.

    Raises:
        DialStringError: The carrier would reject the number or route it to another country.
    """
    issue = destination_issue(text, abroad=abroad)
    if issue:
        raise DialStringError(issue.sentence)
    if _N11.fullmatch(text):
        return Destination(text, Kind.N11, "")
    number = phonenumbers.parse(f"+{text}")
    country = number.country_code or 0
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(country)
    kind = Kind.NANP if country == 1 else Kind.INTERNATIONAL
    return Destination(text, kind, "" if region in _NO_COUNTRY else region)


def read_number(text: str) -> str:
    """
    Parse a number of the account in a human-readable format, such as ``+1 (206) 555-0100``.

    Returns:
        Digits with the country code, in the carrier's DID format: ``12065550100``.

    Raises:
        DialStringError: The text is not a complete number with its country code.
    """
    stripped = _PUNCTUATION.sub("", text.strip())
    if not stripped.removeprefix("+"):
        raise DialStringError("The number is empty. Write it like 12065550100.")
    international = stripped.startswith("+")
    destination = parse_destination(stripped.removeprefix("+"), abroad=international)
    if destination.kind is Kind.N11:
        raise DialStringError(f"{destination.digits} is a service code, not a number that calls can come in on.")
    return destination.digits


def with_country_code(text: str) -> str:
    """
    Add the country code to ten digits in a North American format, such as ``(206) 555-0100``.

    Returns:
        Digits such as ``12065550100``; ``""`` for any other text, including a number that begins with ``+``.
    """
    digits = _PUNCTUATION.sub("", text.strip())
    return f"1{digits}" if _NANP_TEN.fullmatch(digits) else ""


def destination_issue(text: str, *, abroad: bool = False) -> Issue | None:
    """Return the first issue of a destination; ``None`` if the carrier accepts it."""
    for beginning in WRONG_BEGINNINGS:
        if text.startswith(beginning):
            return left_in(text, beginning)
    shown = quoted(text, 40)
    if not re.fullmatch(r"\d+", text, re.ASCII):
        return Issue("not_digits", f"The number {shown} may hold digits only, such as 12065550100.")
    if text.startswith("0"):
        return Issue("begins_with_0", f"The number {shown} begins with 0. Write country code and number.")
    return None if _N11.fullmatch(text) else _length_issue(text, shown, abroad=abroad)


def left_in(number: str, beginning: str) -> Issue:
    """Return the issue for a number that begins with ``+`` or 011."""
    return Issue(
        WRONG_BEGINNINGS[beginning],
        f"The number {quoted(number, 40)} begins with {beginning}. Leave {beginning} out: write country code and "
        "number.",
    )


def _length_issue(digits: str, shown: str, *, abroad: bool) -> Issue | None:
    if _NANP_TEN.fullmatch(digits) and not abroad:
        return Issue(
            "one_missing",
            f"The number {shown} has ten digits: put 1 in front. Without it the call may go to another country.",
        )
    if digits.startswith("1") and not (len(digits) == NANP_LENGTH and _NANP_TEN.fullmatch(digits[1:])):
        return Issue(
            "wrong_length", f"The number {shown} is not 1 and ten digits with area code and exchange from 2 up."
        )
    if len(digits) > E164_LENGTH:
        return Issue(
            "wrong_length", f"The number {shown} has {len(digits)} digits; a number has at most {E164_LENGTH}."
        )
    try:
        possible = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return Issue("wrong_country", f"The number {shown} begins with no country code. Write country code and number.")
    if possible == ValidationResult.IS_POSSIBLE:
        return None
    return Issue("wrong_length", f"The number {shown} has the wrong length for the country that its first digits name.")
