"""Cell rules: each parses the text of a cell or raises an error with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from zoneinfo import available_timezones

import pandas as pd

from dashboard.core.addresses import is_network, parse_entry
from dashboard.core.errors import InputError
from dashboard.core.text import escaped, is_formula, join, quoted
from dashboard.pbx.inventory.rows import CONFIG_FRAME
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import read_number, with_country_code

LONGEST = 200
FIRST_YEAR = 1970
LAST_YEAR = 2200

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_TAG = re.compile(r"[\w.-]{1,64}", re.ASCII)
_HOST_PORT = re.compile(r"(?P<host>[^:\s]+)(:(?P<port>\d{1,5}))?", re.ASCII)
_HOST_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

Rule = Callable[[str, Collection[str]], object]
"""Takes the stripped cell text and the networks treated as public; returns the value or raises ``InputError``."""


def _text(text: str, _public: Collection[str]) -> str:
    plain = " ".join(text.split())
    if not plain.isprintable():
        raise InputError("There is an invisible character in it. Write plain text.")
    if len(plain) > LONGEST:
        raise InputError(f"It has {len(plain):,} characters; {LONGEST} is the most.")
    return plain


def _required(text: str, public: Collection[str]) -> str:
    if not text:
        raise InputError("It is empty. Every row needs it.")
    return _text(text, public)


def _pbx_id(text: str, _public: Collection[str]) -> str:
    if not text:
        raise InputError("It is empty. Every row names its PBX by an id, such as denver.")
    if not _ID.fullmatch(text):
        raise InputError(
            f"{quoted(text, LONGEST)} is no id. Use letters, digits, dots, hyphens and underscores, 64 at most."
        )
    return text


def _x_tag(text: str, _public: Collection[str]) -> str:
    if text and not _TAG.fullmatch(text):
        raise InputError(
            f"{quoted(text, LONGEST)} is no X-Tag. Use letters, digits, dots, hyphens and underscores, 64 at most."
        )
    return text


def _one_of(text: str, _public: Collection[str], *, allowed: tuple[str, ...], absent: str) -> str:
    value = text.lower() or absent
    if value not in allowed:
        raise InputError(f"{quoted(text, LONGEST)} is not allowed. Write {join(allowed, None, last='or')}.")
    return value


def _inbound_host(text: str, public: Collection[str]) -> str:
    match = _HOST_PORT.fullmatch(text)
    if not text:
        return ""
    if not match or not 0 < int(match["port"] or 1) < 1 << 16:
        raise InputError(
            f"{quoted(text, LONGEST)} is no host. Write an address or a name, with :port where it is not 5060."
        )
    host = match["host"].lower()
    if is_network(host) or re.fullmatch(r"[\d.]+", host):
        parse_entry(host, public_ranges=public)
    elif not _HOST_NAME.fullmatch(host):
        raise InputError(f"{quoted(host, LONGEST)} is no host name. Write one such as pbx-denver.example.net.")
    return host + (f":{match['port']}" if match["port"] else "")


def _timezone(text: str, _public: Collection[str]) -> str:
    if text and _timezones() and text not in _timezones():
        raise InputError(f"{quoted(text, LONGEST)} is no time zone. Write one such as America/Denver.")
    return text


@cache
def _timezones() -> frozenset[str]:
    """Return the time zones of this machine; empty without time zone data, and any name is then accepted."""
    return frozenset(available_timezones())


def _time(text: str, _public: Collection[str]) -> pd.Timestamp | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=at.tzinfo or UTC, microsecond=0).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(
            f"{quoted(text, LONGEST)} is no time. Write it like 2026-11-20 or 2026-11-20T14:30:00Z."
        ) from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise InputError(
            f"{quoted(text, LONGEST)} is not between {FIRST_YEAR} and {LAST_YEAR}. Leave it empty for no end."
        )
    return pd.Timestamp(at)


def _address(text: str, public: Collection[str]) -> str:
    return parse_entry(text, public_ranges=public)


def _number(text: str, _public: Collection[str]) -> str:
    return with_country_code(text) or read_number(text)


def _fact(text: str, _public: Collection[str]) -> str:
    """Return a configuration value for display: unprintable characters escaped, truncated to ``LONGEST``."""
    return escaped(text, LONGEST)


def _line(text: str, _public: Collection[str]) -> int | None:
    return int(text) if text else None


RULES: Mapping[str, Mapping[str, Rule]] = {
    "pbxs": {
        "pbx_id": _pbx_id,
        "name": _required,
        "site": _text,
        "timezone": _timezone,
        "vendor": _text,
        "ip_kind": partial(_one_of, allowed=("static", "dynamic"), absent="static"),
        "auth_method": partial(_one_of, allowed=("ip", "credentials", "both", "unknown"), absent="unknown"),
        "dials_prefix": partial(_one_of, allowed=("yes", "no", "unknown"), absent="unknown"),
        "x_tag": _x_tag,
        "pop": _text,
        "inbound_host": _inbound_host,
        "owner": _text,
        "status": partial(_one_of, allowed=("active", "standby", "retired"), absent="active"),
    },
    "pbx_addresses": {
        "pbx_id": _pbx_id,
        "address": _address,
        "kind": partial(_one_of, allowed=("primary", "failover"), absent="primary"),
        "source": partial(_one_of, allowed=("declared", "configured", "observed"), absent="declared"),
        "valid_from": _time,
        "valid_to": _time,
    },
    "pbx_numbers": {"pbx_id": _pbx_id, "number": _number},
    "pbx_config": {
        "pbx_id": _pbx_id,
        "object_type": partial(_one_of, allowed=tuple(ObjectType), absent=""),
        "object_name": _text,
        "attribute": _required,
        "value": _fact,
        "file": _fact,
        "line": _line,
    },
}
"""Cell rule by frame and column."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "pbxs": ("pbx_id", "name"),
    "pbx_addresses": ("pbx_id", "address"),
    "pbx_numbers": ("pbx_id", "number"),
}


OF_ONE = frozenset({"", "1", "us", "usa", "united states", "united states of america", "ca", "can", "canada"})
"""Values of a country column for countries with country code 1."""


def assumed_number(text: str, country: str) -> str:
    """
    Return the number assumed for ten digits without a country code; ``""`` if nothing is assumed.

    Args:
        text: Text of a number cell.
        country: Country of the row; ``""`` if the table has none.

    Raises:
        InputError: The country code of the row's country is not 1.
    """
    number = with_country_code(text)
    if number and " ".join(country.lower().replace("+", "").replace(".", "").split()) not in OF_ONE:
        raise InputError(
            f"{quoted(text.strip(), LONGEST)} has no country code, and the country of the row is "
            f"{quoted(country.strip(), 40)}. Write the number with + and its country code."
        )
    return number


def read_cell(frame: str, column: str, text: str, public: Collection[str]) -> object:
    """
    Parse one cell.

    Raises:
        InputError: The text violates its column's rule or looks like a formula.
    """
    stripped = text.strip()
    if frame != CONFIG_FRAME and is_formula(text):
        raise InputError(f"{quoted(stripped, LONGEST)} looks like a spreadsheet formula. Write the value itself.")
    return RULES[frame][column](stripped, public)
