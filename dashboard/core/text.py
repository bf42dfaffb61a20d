"""Text for readers: what comes from outside made safe to show, and numbers with their nouns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control characters but tab and line feed; marks of direction; separators of lines; characters without a width.

The zero-width joiner and non-joiner are left alone: names in several scripts need them.
"""
MARK: Final = "\N{REPLACEMENT CHARACTER}"
"""Stands in the place of each such character, so that a reader sees that something was there."""


def visible(text: str) -> str:
    """Return text in which a replacement character stands for each character that a reader cannot see."""
    return UNSAFE.sub(MARK, text)


def one_line(text: str, most: int = 200) -> str:
    """
    Return text as one short line, without the characters that a reader cannot see.

    Args:
        text: From outside, such as the name that somebody typed.
        most: Characters at most.
    """
    return " ".join(UNSAFE.sub("", text).split())[:most].strip()


def legible(text: str) -> bool:
    """
    Tell whether a reader sees a letter or a digit of any script.

    Four fillers of Hangul count as letters in Unicode's tables and are blank.
    """
    return any(each.isalnum() and "FILLER" not in unicodedata.name(each, "") for each in text)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def join(names: Iterable[str], most: int = 3) -> str:
    """Say a list of names as a sentence would."""
    said = list(names)
    if len(said) > most:
        said = [*said[:most], f"{len(said) - most} more"]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}" if said else ""


def titled(text: str) -> str:
    """Write the first letter large and leave the rest alone."""
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
    """Say a column or a table by a name that people read: units in brackets, no underscores."""
    if name in LABELS:
        return LABELS[name]
    stem, unit = name, ""
    for ending, said in (("_usd_per_min", "USD a minute"), ("_usd", "USD"), ("_at", "UTC"), ("_s", "s")):
        if name.endswith(ending):
            stem, unit = name.removesuffix(ending), f" ({said})"
            break
    return f"{stem.replace('_', ' ').capitalize()}{unit}"
