"""What the secrets in an object of NetBox open: its custom fields and its context are looked through, none is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dashboard.pbx.readers.secrets import LONGEST_VALUE, Secret, by_name, has_key, has_login

PARTS = ("custom_fields", "config_context", "local_context_data")
"""Parts of an object in which people keep what NetBox has no place for."""
MOST_DEEP, MOST_TOLD, LONGEST_PATH = 8, 20, 120
_SECRET = re.compile(
    r"secret|pass(?!_?th)|token|(?:api|access)[-_]?key|(?:^|[-_])(?:pwd?|pin|ha1)(?:$|[-_])", re.IGNORECASE
)
_OF_TRUNK = re.compile(r"trunk|carrier|provider|flowroute", re.IGNORECASE)


def is_named(name: str) -> bool:
    """Say whether a field's name is that of a secret."""
    return bool(_SECRET.search(name))


def is_secret(name: str, value: Any) -> bool:
    """Say whether a field holds a secret: by its name, or because it signs in to something."""
    if isinstance(value, str):
        return bool(value) and (is_named(name) or has_login(value))
    return is_named(name) and isinstance(value, int | float) and not isinstance(value, bool)


def secrets_of(one: Mapping[str, Any]) -> Iterator[tuple[str, Secret]]:
    """
    Return where secrets stand in an object, and what each opens as far as its name tells.

    Args:
        one: The object, as NetBox's JSON has it.

    Yields:
        The way to each, such as ``custom_fields.sip_password``, and its kind; of very many the first ones.
    """
    told: dict[str, Secret] = {}
    for part in PARTS:
        for path, name, value in _leaves(one.get(part), part, "", 0):
            if is_secret(name, value) and len(told) < MOST_TOLD:
                shown = "".join(filter(str.isprintable, path[:LONGEST_PATH]))
                told.setdefault(shown, _kind(path.partition(".")[2], value))
    yield from told.items()


def _leaves(value: Any, path: str, name: str, depth: int) -> Iterator[tuple[str, str, Any]]:
    """Return every text and number below a value, with the way there and the name it has."""
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
