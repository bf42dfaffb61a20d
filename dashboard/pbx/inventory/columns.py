"""Column names in files and pasted tables, and splitting of cells with several values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from dashboard.core.errors import InputError
from dashboard.sip import read_number, with_country_code

NAMES: Final[Mapping[str, str]] = {
    "system": "name",
    "phone_system": "name",
    "id": "pbx_id",
    "pbx_name": "name",
    "ip": "address",
    "ips": "address",
    "addresses": "address",
    "ip_address": "address",
    "public_ip": "address",
    "external_ip": "address",
    "wan_ip": "address",
    "static_ip": "address",
    "calls_from": "address",
    "numbers": "number",
    "did": "number",
    "dids": "number",
    "phone": "number",
    "phone_number": "number",
    "phone_numbers": "number",
    "make": "vendor",
    "type": "vendor",
    "location": "site",
    "city": "site",
    "time_zone": "timezone",
    "kind": "ip_kind",
    "ip_type": "ip_kind",
    "kind_of_address": "ip_kind",
    "address_kind": "ip_kind",
    "static_or_dynamic": "ip_kind",
    "authenticates_by": "auth_method",
    "prefix": "dials_prefix",
    "host": "inbound_host",
    "inbound_calls_go_to": "inbound_host",
    "xtag": "x_tag",
    "state": "status",
    "country_code": "country",
    "country_name": "country",
}
"""Column by alternative header name."""


def column_named(cell: str, available: Collection[str], aliases: Mapping[str, str] = MappingProxyType({})) -> str:
    """
    Return the column for a header; ``""`` for an unknown header.

    Args:
        cell: The header; case is ignored, and spaces, hyphens, dots and slashes count as underscores.
        available: The available columns; their own names take precedence over alternative names.
        aliases: Alternative names specific to this kind of table; they take precedence over ``NAMES``.
    """
    plain = plain_name(cell)
    column = plain if plain in available else aliases.get(plain, NAMES.get(plain, ""))
    return column if column in available else ""


def plain_name(cell: str) -> str:
    """Return a normalized header: lower case, with underscores for spaces, hyphens, dots and slashes."""
    return re.sub(r"[\s\-./]+", "_", cell.strip().lower()).strip("_")


def pieces(text: str) -> list[str]:
    """Split a cell of addresses at spaces, commas, semicolons and bars."""
    return [piece for piece in re.split(r"[\s,;|]+", text) if piece]


def numbers_in(text: str) -> list[str]:
    """Split a cell of numbers; at spaces only where each part is a number, since a number may contain spaces."""
    numbers: list[str] = []
    for piece in filter(None, map(str.strip, re.split(r"[,;|\n]+", text))):
        words = piece.split()
        numbers += words if len(words) > 1 and all(map(_is_number, words)) else [piece]
    return numbers


def _is_number(text: str) -> bool:
    if with_country_code(text):
        return True
    try:
        read_number(text)
    except InputError:
        return False
    return True
