"""
What FreePBX dials: the patterns of a route, then the rules of a trunk, with letters for digits.

A route adds digits in front of what it passes on; then the first rule of the trunk that fits takes its own prefix
off and adds its own digits; then the trunk's outbound prefix goes in front. So a prefix can go in twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dashboard.pbx.readers.facts import Place

LONGEST = 80
"""Asterisk takes no longer extension."""
MOST_RULES = 500

_ELEMENT = re.compile(r"\[[^\]]*\]|.", re.DOTALL)
_LETTERS = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
OPEN = (".", "!")


@dataclass(frozen=True)
class DialRule:
    """What is taken off in front, what has to follow, what is put in front, and where it stands."""

    prefix: str
    passed: str
    prepend: str
    place: Place


def through(number: str, rules: Iterable[DialRule]) -> Iterator[tuple[str, DialRule | None]]:
    """
    Return what a trunk makes of a number.

    Args:
        number: Digits and letters of a pattern, as a route hands it on.
        rules: Of the trunk, in their order.

    Returns:
        Each text that can come out, and the rule it came through; ``None`` where none fits.
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
    """Return the numbers that a pattern takes, and whether that is all of them; ``None`` where it takes none."""
    narrowed: list[str] = []
    whole = True
    for place in range(max(len(number), len(pattern))):
        mine, other = "".join(number[place : place + 1]), "".join(pattern[place : place + 1])
        if other in OPEN:
            rest = number[place:]
            return (narrowed + rest, whole) if rest or other == "!" else None
        if mine in OPEN:
            return (narrowed + pattern[place:], False) if other or mine == "!" else None
        digits, taken = _digits(mine), _digits(other)
        if not digits & taken:
            return None
        narrowed.append(mine if digits <= taken else other)
        whole = whole and digits <= taken
    return narrowed, whole


def _digits(element: str) -> frozenset[str]:
    """Return the signs that an element stands for; none where there is no element."""
    if not element.startswith("["):
        return frozenset(_LETTERS.get(element, element))
    inner = element.strip("[]")
    found: set[str] = set()
    for first, last in re.findall(r"(.)-(.)", inner):
        found |= {chr(code) for code in range(ord(first), min(ord(last), 0x7F) + 1)}
    return frozenset(found | set(re.sub(r".-.", "", inner)))
