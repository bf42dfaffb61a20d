"""
Tech prefix and destination: the digits that the carrier takes.

A number of the wrong length may be rated as another country rather than fail (the carrier's article on
dialing formats), so length and country are checked before a call is placed. Which numbers a country can
have is read from ``phonenumbers``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from phonenumbers import ValidationResult

from dashboard.core.errors import DialStringError
from dashboard.core.text import counted

PREFIX_LENGTH = 8
E164_LENGTH = 15
NANP_LENGTH = 11
WRONG_BEGINNINGS = {"+": "plus_left_in", "011": "access_code_left_in"}
"""What people dial in front of a country code and the carrier does not want, with the issue it makes."""

_NANP_TEN = re.compile(r"[2-9]\d{2}[2-9]\d{6}", re.ASCII)
_N11 = re.compile(r"[2-9]11", re.ASCII)
_PUNCTUATION = re.compile(r"[\s().-]")
_NO_COUNTRY = ("ZZ", "001")


class Kind(StrEnum):
    """What a destination is."""

    NANP = "nanp"
    INTERNATIONAL = "international"
    N11 = "n11"


@dataclass(frozen=True)
class Destination:
    """A number as it is dialed: digits only."""

    digits: str
    kind: Kind
    region: str
    """ISO 3166 code of the country where it is known; ``""`` for N11 and numbers of no country."""

    @property
    def e164(self) -> str:
        """Write the number with ``+``; an N11 code has no such form and stays as it is."""
        return self.digits if self.kind is Kind.N11 else f"+{self.digits}"


@dataclass(frozen=True)
class Issue:
    """One thing wrong with a dial string: a code that stays, and a sentence with the cure."""

    code: str
    sentence: str


def parse_tech_prefix(text: str) -> str:
    """
    Read an account's tech prefix.

    Raises:
        DialStringError: It is not exactly eight digits; the sentence says how it differs.
    """
    if not text:
        raise DialStringError("The tech prefix is empty. The carrier's account profile shows its eight digits.")
    if re.fullmatch(rf"\d{{{PREFIX_LENGTH}}}", text, re.ASCII):
        return text
    shown = repr(text[:40])
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
    Read a destination as the carrier takes it.

    Args:
        text: Digits: 1 and ten digits, country code and number, or an N11 code.
        abroad: Ten digits that could be a North American number without its 1 are a number abroad.

    Raises:
        DialStringError: The carrier would refuse it, or send it to another country.
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
    Read one of our own numbers as people write them: ``+1 (206) 555-0100``.

    Returns:
        Digits with the country code, as the carrier writes a DID: ``12065550100``.

    Raises:
        DialStringError: It is no whole number with its country code.
    """
    stripped = _PUNCTUATION.sub("", text.strip())
    if not stripped.removeprefix("+"):
        raise DialStringError("The number is empty. Write it like 12065550100.")
    international = stripped.startswith("+")
    found = parse_destination(stripped.removeprefix("+"), abroad=international)
    if found.kind is Kind.N11:
        raise DialStringError(f"{found.digits} is a service code, not a number that calls can come in on.")
    return found.digits


def with_country_code(text: str) -> str:
    """
    Read ten digits as people in North America write them, ``(206) 555-0100``, as a number with its country code.

    Returns:
        Digits such as ``12065550100``; ``""`` where the text is anything else, a number that begins with ``+`` too.
    """
    digits = _PUNCTUATION.sub("", text.strip())
    return f"1{digits}" if _NANP_TEN.fullmatch(digits) else ""


def destination_issue(text: str, *, abroad: bool = False) -> Issue | None:
    """Return the rule that a destination breaks; ``None`` where the carrier takes it."""
    for beginning in WRONG_BEGINNINGS:
        if text.startswith(beginning):
            return left_in(text, beginning)
    shown = repr(text[:40])
    if not re.fullmatch(r"\d+", text, re.ASCII):
        return Issue("not_digits", f"The number {shown} may hold digits only, such as 12065550100.")
    if text.startswith("0"):
        return Issue("begins_with_0", f"The number {shown} begins with 0. Write country code and number.")
    return None if _N11.fullmatch(text) else _length_issue(text, shown, abroad=abroad)


def left_in(number: str, beginning: str) -> Issue:
    """Return the issue of a number that begins with ``+`` or 011."""
    return Issue(
        WRONG_BEGINNINGS[beginning],
        f"The number {number[:40]!r} begins with {beginning}. Leave {beginning} out: write country code and number.",
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
