"""
Text functions for Asterisk's dialplan: expand variables and extensions, remove passwords.

Values known only during a call are left as ``${NAME}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LONGEST = 2_000
LONGEST_PATTERN = 80
"""Maximum length of an Asterisk extension."""
MOST_ROUNDS = 50

_INNERMOST = re.compile(r"\$\{([^${}]*)\}")
_SLICE = re.compile(r"(?P<name>[^:]+?)(:(?P<start>-?\d{1,6})(:(?P<length>-?\d{1,6}))?)?$")
_CUT = re.compile(r"CUT\((?P<name>[^,]+),(?P<by>[^,]*),(?P<place>\d{1,6})\)$")
_GLOBAL = re.compile(r"GLOBAL\((?P<name>[^)]+)\)$")
_ELEMENT = re.compile(r"\[[^\]]*\]|.", re.DOTALL)
_EXTEN = re.compile(r"\$\{EXTEN(:(?P<start>-?\d{1,6})(:(?P<length>-?\d{1,6}))?)?\}")
_BETWEEN_DEVICES = re.compile(r"([,&/|])")
_SCHEME = re.compile(r"sips?:", re.IGNORECASE)


def without_credentials(text: str) -> tuple[str, bool]:
    """
    Remove passwords from device names such as ``SIP/user:password@host``; a ``:`` inside ``${}`` is not a separator.

    Returns:
        The text without passwords, and whether it contained any.
    """
    masked_parts: list[str] = []

    def mask(match: re.Match[str]) -> str:
        masked_parts.append(match[0])
        return f"\x01{len(masked_parts) - 1}\x02"

    masked = text.replace("\x01", "").replace("\x02", "")
    for _ in range(MOST_ROUNDS):
        masked, count = _INNERMOST.subn(mask, masked)
        if not count:
            break
    pieces = _BETWEEN_DEVICES.split(masked)
    cut = [_without_password(piece) for piece in pieces]
    plain = "".join(cut)
    for index in range(len(masked_parts) - 1, -1, -1):
        plain = plain.replace(f"\x01{index}\x02", masked_parts[index], 1)
    return plain, cut != pieces


def _without_password(piece: str) -> str:
    user, at, host = piece.rpartition("@")
    scheme = _SCHEME.match(user)
    begin = scheme.end() if scheme else 0
    return f"{user[:begin]}{user[begin:].partition(':')[0]}{at}{host}"


def substituted(text: str, values: Mapping[str, str]) -> str:
    """Expand known variables, innermost first; leave unknown ones unchanged."""
    unknown: dict[str, str] = {}

    def value(match: re.Match[str]) -> str:
        replacement = _value(match[1], values)
        if replacement is not None:
            return replacement
        mark = f"\x01{len(unknown)}\x02"
        unknown[mark] = match[0]
        return mark

    for _ in range(MOST_ROUNDS):
        text, count = _INNERMOST.subn(value, text)
        if not count or len(text) > LONGEST:
            break
    for mark in reversed(unknown):
        text = text.replace(mark, unknown[mark])
    return text[:LONGEST]


def _value(expression: str, values: Mapping[str, str]) -> str | None:
    cut = _CUT.match(expression)
    whole = _GLOBAL.match(expression)
    if cut and cut["name"] in values:
        parts = values[cut["name"]].split(cut["by"] or "-")
        return parts[int(cut["place"]) - 1] if 0 < int(cut["place"]) <= len(parts) else ""
    sliced = _SLICE.match(whole["name"] if whole else expression)
    variable_value = values.get(sliced["name"]) if sliced else None
    if not sliced or variable_value is None or ("${" in variable_value and sliced["start"]):
        return None
    return "".join(_sliced(list(variable_value), sliced["start"], sliced["length"]))


def expanded(text: str, pattern: str) -> str:
    """Expand ``${EXTEN}`` to the digits of the extension or the letters of its pattern, such as ``1NXXNXXXXXX``."""
    if len(pattern) > LONGEST_PATTERN:
        return text
    elements = _ELEMENT.findall(pattern.removeprefix("_").replace("-", "").replace(" ", ""))
    if not pattern.startswith("_") and not re.fullmatch(r"[\d*#+]+", pattern):
        return text

    def expand(match: re.Match[str]) -> str:
        start = match["start"] or "0"
        open_end = elements[-1:] in (["."], ["!"])
        if open_end and (start.startswith("-") or match["length"] or int(start) >= len(elements)):
            return match[0]
        return "".join(_sliced(elements, start, match["length"]))

    return _EXTEN.sub(expand, text)[:LONGEST]


def _sliced(parts: list[str], start: str | None, length: str | None) -> list[str]:
    selected = parts[int(start or "0") :]
    return selected if length is None else selected[: int(length)]


def first_of(args: str) -> str:
    """Return the first argument; commas inside brackets do not separate arguments."""
    depth = 0
    for position, sign in enumerate(args):
        depth += (sign in "({[") - (sign in ")}]")
        if sign in ",|" and depth <= 0:
            return args[:position].strip()
    return args.strip()
