"""Kinds of the secrets in a NetBox object's custom fields and config contexts; no value is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dashboard.core.text import one_line
from dashboard.pbx.readers.secrets import LONGEST_VALUE, NamesOf, Secret, by_name, has_key, has_login, is_secret_name

PARTS = ("custom_fields", "config_context", "local_context_data")
"""Parts of an object used for data without a field of their own in NetBox."""
MOST_DEEP = 8
MOST_TOLD = 20
LONGEST_PATH = 120
_OF_TRUNK = re.compile(r"trunk|carrier|provider|flowroute", re.IGNORECASE)


def is_secret(name: str, value: Any) -> bool:
    """Return whether a field contains a secret, by its name or because its value contains credentials."""
    if isinstance(value, str):
        return bool(value) and (is_secret_name(name, NamesOf.NETBOX) or has_login(value))
    return is_secret_name(name, NamesOf.NETBOX) and isinstance(value, int | float) and not isinstance(value, bool)


def secrets_of(record: Mapping[str, Any]) -> Iterator[tuple[str, Secret]]:
    """
    Yield the paths of the secrets in an object and their kinds, as far as their names show.

    Args:
        record: The object in NetBox's JSON format.

    Yields:
        Path, such as ``custom_fields.sip_password``, and kind of each secret, up to ``MOST_TOLD``.
    """
    kinds: dict[str, Secret] = {}
    for part in PARTS:
        for path, name, value in _leaves(record.get(part), part, "", 0):
            if is_secret(name, value) and len(kinds) < MOST_TOLD:
                safe_path = one_line(path, LONGEST_PATH)
                kinds.setdefault(safe_path, _kind(path.partition(".")[2], value))
    yield from kinds.items()


def _leaves(value: Any, path: str, name: str, depth: int) -> Iterator[tuple[str, str, Any]]:
    """Yield path, field name and value of every text and number nested in a value."""
    if depth > MOST_DEEP:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}", str(key), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path, name, depth + 1)
    elif isinstance(value, str | int | float):
        yield path, name, value


def _kind(path: str, value: Any) -> Secret:
    if has_key(str(value)[:LONGEST_VALUE]):
        return Secret.API_KEY
    kind = by_name(path)
    return Secret.TRUNK if kind is Secret.UNKNOWN and _OF_TRUNK.search(path) else kind
