"""
Tokenizer for pasted portal pages: lines, and the address-like tokens of a line with their labels.

The portal's layout is not documented and has changed, so the parser assumes none: it accepts table rows, commas,
tabs, numbered lists, HTML source, and labels before or after the address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from ipaddress import IPv6Address
from itertools import pairwise

LABEL_LENGTH = 120
MARK = "\ufffc"
"""Placeholder for an address in a line (the object replacement character)."""

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_HTML = re.compile(r"</?(?:html|body|table|t[rdh]|[uo]l|li|div|span|p|br|input)\b", re.IGNORECASE)
_DOTTED = re.compile(r"(?<![\w@/])(?<!\w\.)[0-9]+(?:\.[0-9]+){3,}(?:/[0-9]+(?:\.[0-9]+){0,3})?(?::[0-9]+)?(?!\w|\.\w)")
_COLONS = re.compile(
    r"(?<![\w.:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\.[0-9]+){0,3}(?:/[0-9]+)?(?![\w:])", re.IGNORECASE
)
_CUT_SHORT = re.compile(rf"(?<![\w@/])(?<!\w\.){_OCTET}(?:\.{_OCTET}){{2}}(?!\w|\.\w)")
_TO = re.compile(r"\s*(?:[-\u2010-\u2015]|\.{2,3}|to)\s*")
_MASKED = re.compile(r"\s*(?:/|mask|netmask)?:?\s*", re.IGNORECASE)
_TAG = re.compile(r"<(?P<closes>/?)(?P<name>[a-z][a-z0-9]*)\b(?P<rest>[^<>]*)>|<![^<>]*>", re.IGNORECASE)
_VALUE = re.compile(r"""\bvalue\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_CELLS = re.compile(r"[\t|,;]|\s{2,}")
_BULLET = re.compile(r"^\s*(?:\(?[0-9]{1,4}[.)\]:]|[-*•·▪‣#])\s+")

EDGES = " \t-\u2010\u2011\u2012\u2013\u2014\u2015:;,.|()[]{}\"'<>=*•·"
NOT_LABELS = frozenset(
    ("action", "actions", "active", "address", "delete", "edit", "enabled", "ip", "ip address", "remove", "x")
)
ROW_TAGS = frozenset(("br", "div", "li", "ol", "p", "table", "tr", "ul"))
CELL_TAGS = frozenset(("td", "th"))
HIDDEN_TAGS = frozenset(("script", "style"))

ONE_ADDRESS = "255.255.255.255"
RANGE = "It is one end of a range. Write each address of the range on its own."
TWICE = "It has both a length and a netmask. Write the network once, such as 198.51.100.0/24."


@dataclass(frozen=True)
class AddressToken:
    """Text that looks like an address or network; ``reason`` is set if its context makes it unusable as an entry."""

    text: str
    start: int
    end: int
    reason: str = ""


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, with HTML rendered and invisible characters removed."""
    if _HTML.search(text):
        text = _rendered(text)
    visible_text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", visible_text).replace(MARK, " ").splitlines()


def labeled_tokens(line: str) -> Iterator[tuple[AddressToken, str]]:
    """Yield the address-like tokens of a line in order, each with its label or ``""``."""
    tokens = _tokens(line)
    if not tokens:
        return
    marked = ""
    end = 0
    for token in tokens:
        marked += line[end : token.start] + MARK
        end = token.end
    cells = [cell for cell in _CELLS.split(_BULLET.sub("", marked + line[end:])) if cell.strip()]
    if len(tokens) == 1:
        yield tokens[0], " ".join(filter(None, map(_label, cells)))[:LABEL_LENGTH]
        return
    yield from zip(tokens, _labels_of_addresses(cells), strict=True)


def _labels_of_addresses(cells: list[str]) -> Iterator[str]:
    """Yield the label of each address of a line: from its own cell, else from the adjacent cell on the label side."""
    step = 1 if MARK in cells[0] else -1
    for index, cell in enumerate(cells):
        neighbor_index = index + step
        neighbor = (
            cells[neighbor_index] if 0 <= neighbor_index < len(cells) and MARK not in cells[neighbor_index] else ""
        )
        for _ in range(cell.count(MARK)):
            own_label = _label(cell) if cell.count(MARK) == 1 else ""
            yield (own_label or _label(neighbor))[:LABEL_LENGTH]


def _label(cell: str) -> str:
    """Return the label in a cell; ``""`` if it has no letter, or only the text of a button or heading."""
    label_text = " ".join(cell.replace(MARK, " ").split()).strip(EDGES)
    return label_text if any(letter.isalpha() for letter in label_text) and label_text.lower() not in NOT_LABELS else ""


def _tokens(line: str) -> list[AddressToken]:
    six = [_token(match) for match in _COLONS.finditer(line) if _is_ipv6(match[0].partition("/")[0])]
    four = [
        token
        for token in map(_token, _DOTTED.finditer(line))
        if not any(ipv6_token.start < token.end and token.start < ipv6_token.end for ipv6_token in six)
    ]
    tokens = sorted(six + four, key=lambda token: token.start) or [_token(match) for match in _CUT_SHORT.finditer(line)]
    for index, (token, after) in enumerate(pairwise(tokens)):
        between = line[token.end : after.start]
        if after.text.startswith("255.") and _MASKED.fullmatch(between):
            masked = "" if after.text == ONE_ADDRESS else f"/{after.text}"
            reason = TWICE if masked and "/" in token.text else ""
            token_text = token.text if reason else token.text + masked
            tokens[index] = replace(token, text=token_text, end=after.end, reason=reason)
            tokens[index + 1] = replace(after, text="")
        elif _TO.fullmatch(between):
            tokens[index] = replace(token, reason=RANGE)
            tokens[index + 1] = replace(after, reason=RANGE)
    return [token for token in tokens if token.text]


def _token(match: re.Match[str]) -> AddressToken:
    text = match[0].removesuffix("/32").removesuffix(f"/{ONE_ADDRESS}")
    return AddressToken(text, match.start(), match.end())


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return len(text) > len("::1")


def _rendered(page: str) -> str:
    """Render HTML as text: a line for each row or block, a tab after each cell, the values of input fields."""
    pieces: list[str] = []
    end = 0
    hidden = False
    for tag in _TAG.finditer(page):
        if not hidden:
            pieces.append(_render_text(page[end : tag.start()]))
        end = tag.end()
        closes = bool(tag["closes"])
        name = (tag["name"] or "").lower()
        if name in HIDDEN_TAGS:
            hidden = not closes
        elif name in ROW_TAGS:
            pieces.append("\n")
        elif name == "input":
            value = _VALUE.search(tag["rest"])
            pieces.append(f"\t{_render_text(''.join(filter(None, value.groups())))}\t" if value else "")
        elif closes and name in CELL_TAGS:
            pieces.append("\t")
    return "".join([*pieces, "" if hidden else _render_text(page[end:])])


def _render_text(source: str) -> str:
    """Render the HTML between two tags: unescape entities and collapse whitespace to one space."""
    return re.sub(r"\s+", " ", unescape(source))
