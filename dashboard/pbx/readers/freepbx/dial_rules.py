"""
FreePBX dial rules: the patterns of a route, then the rules of a trunk, with letters for digits.

A route prepends digits to the number it passes on; then the first matching rule of the trunk removes its prefix and
prepends its own digits; then the trunk's outbound prefix is prepended. So a prefix can be added twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dashboard.pbx.readers.facts import Place

LONGEST = 80
"""Maximum length of an Asterisk extension."""
MOST_RULES = 500

_ELEMENT = re.compile(r"\[[^\]]*\]|.", re.DOTALL)
_LETTERS = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
OPEN = (".", "!")


@dataclass(frozen=True)
class DialRule:
    """A dial rule: the prefix to remove, the pattern that must follow, the digits to prepend, and its location."""

    prefix: str
    passed: str
    prepend: str
    place: Place


def through(number: str, rules: Iterable[DialRule]) -> Iterator[tuple[str, DialRule | None]]:
    """
    Yield the results of applying a trunk's rules to a number.

    Args:
        number: Digits and letters of a pattern, as passed on by a route.
        rules: Rules of the trunk, in order.

    Returns:
        Each possible result and the rule applied; ``None`` if no rule matches.
    """
    left = _elements(number)
    for rule in list(rules)[:MOST_RULES]:
        own = _elements(rule.prefix)
        met = _met(left, own + _elements(rule.passed))
        if met is None:
            continue
        narrowed, whole = met
        yield f"{rule.prepend}{''.join(narrowed[len(own) :])}", rule
        if whole:
            return
    yield number, None


def _elements(pattern: str) -> list[str]:
    plain = pattern[:LONGEST].upper().replace("-", "") if "[" not in pattern else pattern[:LONGEST].upper()
    return _ELEMENT.findall(plain.removeprefix("_").replace(" ", ""))


def _met(number: list[str], pattern: list[str]) -> tuple[list[str], bool] | None:
    """Return the intersection of number and pattern, and whether it is the whole number; ``None`` if it is empty."""
    narrowed: list[str] = []
    whole = True
    for place in range(max(len(number), len(pattern))):
        mine = "".join(number[place : place + 1])
        other = "".join(pattern[place : place + 1])
        if other in OPEN:
            rest = number[place:]
            return (narrowed + rest, whole) if rest or other == "!" else None
        if mine in OPEN:
            return (narrowed + pattern[place:], False) if other or mine == "!" else None
        digits = _digits(mine)
        taken = _digits(other)
        if not digits & taken:
            return None
        narrowed.append(mine if digits <= taken else other)
        whole = whole and digits <= taken
    return narrowed, whole


def _digits(element: str) -> frozenset[str]:
    """Return the characters that a pattern element matches; empty for an empty element."""
    if not element.startswith("["):
        return frozenset(_LETTERS.get(element, element))
    inner = element.strip("[]")
    found: set[str] = set()
    for first, last in re.findall(r"(.)-(.)", inner):
        found |= {chr(code) for code in range(ord(first), min(ord(last), 0x7F) + 1)}
    return frozenset(found | set(re.sub(r".-.", "", inner)))
