"""
Text formatting: sanitizing external text for each medium, numbers with nouns, lists and labels.

External text is shown only through a function for its medium. In this module: ``visible`` for plain text, ``one_line``
for names and other programs' messages, ``quoted`` and ``escaped`` for invalid values in errors, ``html_text`` for HTML,
``csv_cell`` for spreadsheets. ``web.components.formatting`` has those for Markdown, ``cli.output`` those for terminals.
"""

from __future__ import annotations

import html
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
SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Bytes of a file name that are not UTF-8, as Python decodes them; no output can encode them."""
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters that begin a formula in a spreadsheet, also in full width."""
FORMULA_STARTS: Final = (*FORMULA_SIGNS, "\t", "\r", "\n")
"""Also characters that a spreadsheet may skip before a formula."""
SIGNED_NUMBER: Final = re.compile(r"[+\uff0b\uff0d-][\d\s().-]*")


def visible(text: str) -> str:
    """Replace each unsafe character of a text with MARK."""
    return _replaced(text, MARK)


def one_line(text: str, most: int | None = 200, *, mark: str = "") -> str:
    """
    Return text as one line without unsafe characters, shortened if it is longer than ``most``.

    Args:
        text: External text, such as a name that a user entered or the message of another program.
        most: Maximum length in characters; ``None`` for any.
        mark: Replaces each unsafe character that is not white space, such as a line end, which becomes a space.
    """
    line = " ".join(_replaced(" ".join(text.split()), mark).split())
    return line if most is None else shortened(line, most)


def shortened(text: str, most: int, *, at_middle: bool = False) -> str:
    """
    Return text of at most ``most`` characters, with an ellipsis in place of what is cut.

    Args:
        text: Text without unsafe characters.
        most: Maximum length in characters.
        at_middle: Keep the beginning and the end, e.g. of a path.
    """
    if len(text) <= most:
        return text
    kept_at_end = most // 2 if at_middle else 0
    return f"{text[: most - 1 - kept_at_end].rstrip()}…{text[len(text) - kept_at_end :]}"


def quoted(value: object, most: int = 80) -> str:
    """Return an invalid value in quotation marks for a message: shortened, and with unprintable characters escaped."""
    return repr(shortened(value, most)) if isinstance(value, str) else shortened(repr(value), most)


def escaped(text: str, most: int) -> str:
    """Return text for display with unprintable characters as escapes; shortened if it is longer than ``most``."""
    start = text[: most + 1]
    printable = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in start
    )
    return shortened(printable, most)


def html_text(text: str) -> str:
    """Return text as HTML, in an element or a quoted attribute; unsafe characters are replaced."""
    return html.escape(visible(text))


def csv_cell(text: str) -> str:
    """Return text for a cell of a spreadsheet: unsafe characters replaced, a formula neutralized with an apostrophe."""
    cell = visible(text)
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet may evaluate a cell as a formula; a sign before digits alone is a number."""
    cell = text.strip()
    is_skipped = text.lstrip(" ").startswith(("\t", "\r"))
    return is_skipped or (cell.startswith(FORMULA_SIGNS) and SIGNED_NUMBER.fullmatch(cell) is None)


def _replaced(text: str, mark: str) -> str:
    clean = UNSAFE.sub(mark, text)
    return clean if clean.isascii() else SURROGATE.sub(mark, clean)


def legible(text: str) -> bool:
    """
    Return whether a text has a visible letter or digit of any script.

    Unicode classifies the four Hangul fillers as letters although they are blank; they do not count.
    """
    return any(character.isalnum() and "FILLER" not in unicodedata.name(character, "") for character in text)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, e.g. '1 call' or '2,000 calls'."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def join(names: Iterable[str], most: int | None = 3, *, last: str = "and") -> str:
    """
    Join names into an enumeration, e.g. 'a, b, c and 2 more'.

    Args:
        names: Names to list.
        most: Maximum number of names; ``None`` for all.
        last: Word before the last name.
    """
    items = list(names)
    if most is not None and len(items) > most:
        items = [*items[:most], f"{len(items) - most:,} more"]
    return f"{', '.join(items[:-1])} {last} {items[-1]}" if len(items) > 1 else "".join(items)


def first_of(texts: Iterable[str], most: int, *, separator: str = ", ") -> str:
    """Return the first texts of a list and the number of further ones, e.g. 'a; b; 2 more'."""
    items = list(texts)
    omitted = len(items) - most
    return separator.join([*items[:most], *([f"{omitted:,} more"] if omitted > 0 else [])])


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
