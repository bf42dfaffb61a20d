r"""
Number patterns matched by dialplan regular expressions: ``^1?(\d{10})$`` gives ``1XXXXXXXXXX`` and ``XXXXXXXXXX``.

Supported is only the syntax common in dialplans: digits, sets, groups, alternatives and counts. Any other expression
gives no result.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

LONGEST = 200
MOST_VARIANTS = 8
MOST_LETTERS = 40
_COUNT = re.compile(r"\{(?P<least>\d{1,2})(?P<more>,(?P<most>\d{0,2}))?\}")


@dataclass(frozen=True)
class Variant:
    """One pattern that an expression matches: letters as in Asterisk's patterns, and the part matched by each group."""

    letters: str = ""
    groups: dict[int, str] = field(default_factory=dict)

    def __add__(self, other: Variant) -> Variant:
        return Variant((self.letters + other.letters)[:MOST_LETTERS], {**self.groups, **other.groups})


class _UnreadableError(ValueError):
    """The expression uses unsupported syntax."""


@lru_cache(maxsize=4096)
def variants(expression: str) -> tuple[Variant, ...]:
    """
    Return the patterns that an expression matches; empty if it is not supported.

    Args:
        expression: Regular expression of a condition on the dialed number.
    """
    reading = _RegexParser(expression[:LONGEST])
    try:
        parsed = reading.alternatives()
    except (_UnreadableError, RecursionError):
        return ()
    return tuple(parsed) if reading.at == len(expression) else ()


class _RegexParser:
    """Recursive-descent parser of an expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.group = 0

    def alternatives(self) -> list[Variant]:
        """Parse alternatives up to the end or the closing parenthesis."""
        alternatives = self._sequence()
        while self._take("|"):
            alternatives += self._sequence()
        return alternatives[:MOST_VARIANTS]

    def _sequence(self) -> list[Variant]:
        sequences = [Variant()]
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts = self._counted(self._atom())
            sequences = [beginning + part for beginning in sequences for part in parts][:MOST_VARIANTS]
        return sequences

    def _atom(self) -> list[Variant]:
        sign = self.text[self.at]
        self.at += 1
        if sign in "^$":
            return [Variant()]
        if sign == "(":
            return self._group()
        if sign == "[":
            return [Variant(self._set())]
        if sign == "\\":
            escaped = self.text[self.at : self.at + 1]
            self.at += 1
            if escaped not in tuple("d*#+.-"):
                raise _UnreadableError
            return [Variant("X" if escaped == "d" else escaped)]
        if sign == ".":
            return [Variant("X")]
        if sign.isdigit() or sign == "#":
            return [Variant(sign)]
        raise _UnreadableError

    def _group(self) -> list[Variant]:
        number = 0
        if not self._take("?:"):
            self.group += 1
            number = self.group
        inner = self.alternatives()
        if not self._take(")"):
            raise _UnreadableError
        return [
            Variant(variant.letters, {**variant.groups, number: variant.letters} if number else variant.groups)
            for variant in inner
        ]

    def _set(self) -> str:
        end = self.text.find("]", self.at)
        if end < 0:
            raise _UnreadableError
        inner = self.text[self.at : end]
        self.at = end + 1
        return {"2-9": "N", "0-9": "X", "1-9": "Z", "\\d": "X"}.get(inner, f"[{inner}]")

    def _counted(self, atom: list[Variant]) -> list[Variant]:
        count = _COUNT.match(self.text, self.at)
        if self._take("?"):
            return [*atom, Variant("", {number: "" for variant in atom for number in variant.groups})]
        if self._take("+"):
            return [variant + Variant(".") for variant in atom]
        if self._take("*"):
            return [Variant(".")]
        if not count:
            return atom
        self.at = count.end()
        least = int(count["least"])
        tail = "." if count["more"] and count["most"] != count["least"] else ""
        return [Variant((variant.letters * least)[:MOST_LETTERS] + tail, variant.groups) for variant in atom]

    def _take(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False
