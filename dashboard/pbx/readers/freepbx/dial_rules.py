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
    elements = _elements(number)
    for rule in list(rules)[:MOST_RULES]:
        prefix_elements = _elements(rule.prefix)
        intersection = _intersect(elements, prefix_elements + _elements(rule.passed))
        if intersection is None:
            continue
        narrowed, whole = intersection
        yield f"{rule.prepend}{''.join(narrowed[len(prefix_elements) :])}", rule
        if whole:
            return
    yield number, None


def _elements(pattern: str) -> list[str]:
    plain = pattern[:LONGEST].upper().replace("-", "") if "[" not in pattern else pattern[:LONGEST].upper()
    return _ELEMENT.findall(plain.removeprefix("_").replace(" ", ""))


def _intersect(number: list[str], pattern: list[str]) -> tuple[list[str], bool] | None:
    """Return the intersection of number and pattern, and whether it is the whole number; ``None`` if it is empty."""
    narrowed: list[str] = []
    whole = True
    for index in range(max(len(number), len(pattern))):
        number_element = "".join(number[index : index + 1])
        pattern_element = "".join(pattern[index : index + 1])
        if pattern_element in OPEN:
            remaining = number[index:]
            return (narrowed + remaining, whole) if remaining or pattern_element == "!" else None
        if number_element in OPEN:
            return (narrowed + pattern[index:], False) if pattern_element or number_element == "!" else None
        digits = _digits(number_element)
        pattern_digits = _digits(pattern_element)
        if not digits & pattern_digits:
            return None
        narrowed.append(number_element if digits <= pattern_digits else pattern_element)
        whole = whole and digits <= pattern_digits
    return narrowed, whole


def _digits(element: str) -> frozenset[str]:
    """Return the characters that a pattern element matches; empty for an empty element."""
    if not element.startswith("["):
        return frozenset(_LETTERS.get(element, element))
    inner = element.strip("[]")
    characters: set[str] = set()
    for first, last in re.findall(r"(.)-(.)", inner):
        characters |= {chr(code) for code in range(ord(first), min(ord(last), 0x7F) + 1)}
    return frozenset(characters | set(re.sub(r".-.", "", inner)))
