"""
Lint rules for one dial string as built by a PBX's configuration.

Letters represent digits as in Asterisk's patterns (``12345678*1NXXNXXXXXX``), and ``${NAME}`` represents a value
that the configuration does not define.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from dashboard.core.errors import DialStringError
from dashboard.sip import PREFIX_LENGTH, lint, parse_tech_prefix


class LintLevel(StrEnum):
    """Severity: calls are rejected or misrouted (error), may be in future (warning), or information only (note)."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


CURES: Mapping[str, str] = {
    "prefix_missing": "Put the account's tech prefix and * in front of the number.",
    "prefix_wrong": "Write the account's own eight digits.",
    "prefix_length": "Copy the eight digits whole from the account profile.",
    "prefix_not_set": "Set it where this file reads it from, or write the eight digits themselves.",
    "separator_missing": "Put * between the tech prefix and the number.",
    "prefix_twice": "Take it out of one of the two places, the trunk or the route.",
    "one_missing": "Put 1 in front of ten digits: PREFIX*1 and the number.",
    "plus_left_in": "Cut the + off before the call is sent: both pages take the number without it.",
    "access_code_left_in": "Cut 011 off before the call is sent: ${EXTEN:3} in Asterisk, strip(3) in Kamailio.",
    "wrong_length": "Send 1 and ten digits, or country code and number.",
}
_SAID: Mapping[str, str] = {
    "prefix_missing": "The dial string {text} has no tech prefix, and this trunk has no credentials to sign in with.",
    "separator_missing": "The dial string {text} has no * between the tech prefix and the number.",
    "prefix_twice": "The dial string {text} has the tech prefix in it twice.",
    "one_missing": "The dial string {text} sends ten digits without the leading 1, which may call another country.",
    "plus_left_in": "The dial string {text} leaves + in front of the number. Flowroute's service guide calls a "
    "leading + optional, after the prefix too; its article on dialing formats says to leave it out.",
    "access_code_left_in": "The dial string {text} leaves 011 in front of the number.",
}
WARNINGS = frozenset({"plus_left_in"})
"""Issues on which the carrier's own pages disagree: it may accept the call, so they are not errors."""

_LETTERS = {"X": "5", "Z": "5", "N": "2"}
_TOKEN = re.compile(r"\$\{[^}]*\}|\[(?P<set>[^\]])[^\]]*\]|.", re.DOTALL)
_HEAD = re.compile(r"(?P<head>[^*#%]*)(?:[*#]|%23|%2a)", re.IGNORECASE)
_BY_COUNTRY = ("wrong_length", "wrong_country")
_SHORT = 7
_NOT_SET = re.compile(r"\$\$?\{(?!EXTEN\b|\d)")
_RUN_TOGETHER = 18
"""Length of a prefix and a ten-digit number without a separator; longer than any valid number."""


Fault = tuple[str, LintLevel, str, str]
"""Stable code, severity, description and remedy."""


def faults_of(text: str, prefix: str, *, signs_in: bool) -> Iterator[Fault]:
    """
    Yield the faults of a dial string.

    Args:
        text: Dial string passed to a trunk to the carrier.
        prefix: The account's tech prefix or the likely one; ``""`` if unknown.
        signs_in: Whether the trunk has credentials, which make the prefix optional.
    """
    head = _head_of(text)
    if text.startswith(("*", "#", "%23", "%2a", "%2A")):
        sentence = f"The dial string {text!r} begins with a separator, which is a feature code: its prefix is empty."
        yield "star_swallowed", LintLevel.ERROR, sentence, CURES["prefix_not_set"]
        return
    if "${" in head or (not _HEAD.match(text) and _NOT_SET.match(text)):
        sentence = f"The dial string {text!r} begins with a variable that the configuration does not set."
        yield "prefix_not_set", LintLevel.WARNING, sentence, CURES["prefix_not_set"]
        return
    sample = sample_of(text)
    expected = prefix or (sample[:PREFIX_LENGTH] if _run_together(sample) else "0" * PREFIX_LENGTH)
    for issue in lint(sample, expected, abroad=not _nanp(text)):
        template = _SAID.get(issue.code, f"The dial string {{text}}: {_first_sentence(issue.sentence)}")
        code = issue.code
        sentence = template.replace("{text}", repr(text))
        if (code == "prefix_missing" and signs_in) or (code in _BY_COUNTRY and _any_country(text)):
            continue
        if code == "prefix_wrong":
            code, sentence = _wrong(head, text, prefix)
        level = LintLevel.WARNING if code in WARNINGS else LintLevel.ERROR
        yield code, level, sentence, CURES.get(code, CURES["wrong_length"])


def likely_prefix(dialed: Iterable[str]) -> str:
    """Return the most common eight-digit prefix of dial strings; ``""`` if there is none."""
    heads = Counter(head for text in dialed if len(head := _head_of(text)) == PREFIX_LENGTH and head.isdigit())
    return next((head for head, _ in heads.most_common(1)), "")


def _wrong(head: str, text: str, prefix: str) -> tuple[str, str]:
    try:
        parse_tech_prefix(head)
    except DialStringError as exc:
        return "prefix_length", f"The dial string {text!r}: {_first_sentence(str(exc))}"
    return "prefix_wrong", f"The dial string {text!r} has another tech prefix than the account's {prefix}."


def sample_of(text: str) -> str:
    """Return an example of a dial string pattern, with digits for its letters."""

    def digit(match: re.Match[str]) -> str:
        sign = match[0]
        return "${REST}" if sign in ".!" else _LETTERS.get(sign) or match["set"] or sign

    return _TOKEN.sub(digit, text)


def _head_of(text: str) -> str:
    match = _HEAD.match(text)
    return match["head"] if match else ""


def _run_together(sample: str) -> bool:
    return sample.isdigit() and len(sample) >= _RUN_TOGETHER


def _nanp(text: str) -> bool:
    """Return whether a number has a North American pattern, instead of digits of any country."""
    return bool(re.search(r"N|X", text)) or "[" in text


def _any_country(text: str) -> bool:
    """Return whether the pattern leaves a number's first digits open, so that any length may be valid."""
    number = re.split(r"[*#]|%23|%2a", text, flags=re.IGNORECASE)[-1]
    return not number[:1].isdigit() and len(_TOKEN.findall(number)) > _SHORT


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".") + "."
