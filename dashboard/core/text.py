"""Text formatting: sanitizing external text, numbers with nouns, lists and labels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control characters except tab and line feed, bidirectional marks, line separators and zero-width characters.

The zero-width joiner and non-joiner are excluded: names in several scripts need them.
"""
MARK: Final = "\N{REPLACEMENT CHARACTER}"
"""Replaces each unsafe character, so that readers see that one was present."""


def visible(text: str) -> str:
    """Replace each unsafe character of a text with MARK."""
    return UNSAFE.sub(MARK, text)


def one_line(text: str, most: int = 200) -> str:
    """
    Return text as one short line without unsafe characters.

    Args:
        text: External text, such as a name that a user entered.
        most: Maximum length in characters.
    """
    return " ".join(UNSAFE.sub("", text).split())[:most].strip()


def legible(text: str) -> bool:
    """
    Return whether a text has a visible letter or digit of any script.

    Unicode classifies the four Hangul fillers as letters although they are blank; they do not count.
    """
    return any(character.isalnum() and "FILLER" not in unicodedata.name(character, "") for character in text)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, e.g. '1 call' or '2,000 calls'."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def join(names: Iterable[str], most: int = 3) -> str:
    """Join names into an enumeration, e.g. 'a, b, c and 2 more'."""
    items = list(names)
    if len(items) > most:
        items = [*items[:most], f"{len(items) - most} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def titled(text: str) -> str:
    """Capitalize the first letter and leave the rest unchanged."""
    return text[:1].upper() + text[1:]


LABELS: Final = {
    "allowed_ips": "Allowed IPs",
    "pbxs": "PBXs",
    "pbx_addresses": "PBX addresses",
    "pbx_numbers": "PBX numbers",
    "pbx_config": "PBX configuration",
    "edges": "PoPs",
    "pbx": "PBX",
    "pbx_id": "PBX id",
    "sip_status": "SIP code",
    "sip_reason": "SIP reason",
    "x_tag": "X-Tag",
    "source_ip": "Source address",
    "ip_kind": "Kind of address",
    "pop": "PoP",
    "auth_method": "Authenticates by",
}


def label_of(name: str) -> str:
    """Return the display label of a column or table: units in parentheses, no underscores."""
    if name in LABELS:
        return LABELS[name]
    stem = name
    unit = ""
    for ending, unit_name in (("_usd_per_min", "USD a minute"), ("_usd", "USD"), ("_at", "UTC"), ("_s", "s")):
        if name.endswith(ending):
            stem = name.removesuffix(ending)
            unit = f" ({unit_name})"
            break
    return f"{stem.replace('_', ' ').capitalize()}{unit}"
