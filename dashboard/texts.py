"""Text for readers: what comes from outside made safe to show, and numbers with their nouns."""

from __future__ import annotations

import re
import unicodedata
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
