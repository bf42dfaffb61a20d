r"""
Number transformations in Kamailio's routes, with pattern letters for digits that are known only during a call.

``${EXTEN}`` is the dialed number, ``${EXTEN:3}`` the number without its first three digits, as in the other readers.
"""

from __future__ import annotations

import re

from dashboard.pbx.lint.dial_strings import sample_of
from dashboard.pbx.readers.number_regex import variants

DIALED = "${EXTEN}"
MOST_SIGNS = 20
MOST_OPEN = 3
_ELEMENT = re.compile(r"\$\{EXTEN(?::(?P<from>\d{1,3}))?\}|\$\{[^}]*\}|\[[^\]]*\]|.", re.DOTALL)
_OPEN_COUNT = re.compile(r"[*+]|\{\d*,\d*\}")
_COUNTED_GROUP = re.compile(r"\)[*+{]")
_SUBST = re.compile(r"(?P<by>[^\w\s])(?P<expression>.*?)(?<!\\)(?P=by)(?P<put>.*?)(?P=by)\w*$", re.DOTALL)
_REST = re.compile(r"\^?(?P<lead>[^.*]*?)\((?:\.|\[0-9\]|\\d)[*+]\)\$?")
"""An expression that ends with a group for the rest of the number."""
_GROUP = re.compile(r"\\(\d)|\$(\d)")


def shapes(expression: str) -> list[str]:
    """Return the number patterns that an expression matches, open-ended unless the expression anchors the end."""
    patterns = [variant.letters for variant in variants(expression)]
    open_end = not expression.endswith("$")
    open_begin = not expression.lstrip("(").startswith("^")
    if open_begin or not patterns:
        return [DIALED] if patterns else []
    return [f"{letters.rstrip('.')}." if open_end or letters.endswith(".") else letters for letters in patterns]


def matches(expression: str, number: str) -> bool | None:
    """Return whether an expression matches numbers of a pattern; ``None`` if undecidable."""
    sample = sample_of(number)
    plain = sample.replace("${REST}", "5")
    costly = len(_OPEN_COUNT.findall(expression)) > MOST_OPEN or _COUNTED_GROUP.search(expression)
    if "${" in plain or len(plain) > MOST_SIGNS or costly or not variants(expression):
        return None
    return bool(re.search(expression, plain))


def stripped(number: str, count: int, *, tail: bool = False) -> str:
    """Return a number without its first ``count`` characters, or without its last ones with ``tail``."""
    elements = list(_ELEMENT.finditer(number))
    if tail:
        is_open = any("${" in element[0] or element[0] == "." for element in elements)
        return number if is_open else _joined(elements[: -count or None])
    while count > 0 and elements:
        if elements[0]["from"] is not None or elements[0][0] == DIALED:
            start = int(elements[0]["from"] or 0) + count
            return f"${{EXTEN:{start}}}{_joined(elements[1:])}"
        if elements[0][0].startswith("${"):
            return number
        elements = elements[1:]
        count = count - 1
    remainder = _joined(elements)
    return f"X{remainder}" if remainder.startswith(".") else remainder


def subst(instruction: str, number: str) -> str:
    r"""Apply ``/expression/replacement/`` to a number; return ``${…}`` if the result is undecidable."""
    instruction_match = _SUBST.match(instruction)
    if not instruction_match:
        return "${…}"
    if number != DIALED and matches(instruction_match["expression"], number) is False:
        return number
    groups = _groups(instruction_match["expression"], number)
    return (
        _GROUP.sub(lambda group_match: groups.get(int(group_match[1] or group_match[2]), ""), instruction_match["put"])
        if groups
        else "${…}"
    )


def _groups(expression: str, number: str) -> dict[int, str]:
    """Return the part of a number matched by each group of an expression; empty if undecidable."""
    if open_match := _REST.fullmatch(expression):
        for lead in variants(open_match["lead"]):
            first = len(_ELEMENT.findall(lead.letters))
            if number == DIALED or (number.startswith(lead.letters) and not lead.letters.endswith(".")):
                last = open_match["lead"].count("(") - open_match["lead"].count("(?:") + 1
                return {**lead.groups, 0: number, last: stripped(number, first)}
    for whole in variants(expression) if expression.startswith("^") and expression.endswith("$") else ():
        if number in (DIALED, whole.letters):
            return {**whole.groups, 0: number if number != DIALED else whole.letters}
    return {}


def _joined(elements: list[re.Match[str]]) -> str:
    return "".join(element[0] for element in elements)
