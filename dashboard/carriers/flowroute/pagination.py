"""
Reading a list of the API page by page.

The next offset is counted here. ``links.next`` only says that there is more: the vendor's own sample
has it point at an internal host, so it is never followed.

Source: developer.flowroute.com/api/numbers/v2.0 (``limit``: 10 unless asked, at most 200; ``offset``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from dashboard.core.errors import CarrierAnswerError
from dashboard.core.http.session import HttpSession

LIMIT = 200
ID_LENGTH = 200
MOST_PAGES = 1000
"""Some 200,000 items: a list that does not end is a fault of the list."""


def pages(transport: HttpSession, path: str, params: Mapping[str, Any] | None = None) -> Iterator[list[dict[str, Any]]]:
    """
    Yield the items of a list, a page at a time, each item once.

    Args:
        transport: Whom to ask.
        path: Of the list.
        params: Filters.

    Raises:
        CarrierAnswerError: A page is no list, an item has no id, or the pages repeat and do not end.
    """
    seen: set[str] = set()
    offset = 0
    for number in count(1):
        body = transport.get(path, {**(params or {}), "limit": LIMIT, "offset": offset})
        found = items_of(body, f"GET {path}")
        new = [item for item in found if item["id"] not in seen]
        if (found and not new) or number > MOST_PAGES:
            raise CarrierAnswerError(
                f"The list of GET {path} repeats itself at offset {offset} and cannot be read to its end. "
                "Nothing was taken from it."
            )
        yield new
        seen.update(item["id"] for item in new)
        offset += len(found)
        links = body.get("links")
        more = isinstance(links, dict) and bool(links.get("next"))
        if not found or (len(found) < LIMIT and not more):
            return


def items_of(body: Mapping[str, Any], what: str) -> list[dict[str, Any]]:
    """Return the items of one page, plain or each nested in a ``data`` of its own; ids become text."""
    found = body.get("data")
    if not isinstance(found, list):
        raise CarrierAnswerError(f"The answer to {what} has no list in data; nothing was taken from it.")
    return [item_of(item, what) for item in found]


def item_of(item: Any, what: str) -> dict[str, Any]:
    """
    Return one item with its ``id`` as text and its ``attributes`` as a dict.

    Raises:
        CarrierAnswerError: It has no id, or is no object, or its attributes are none.
    """
    if isinstance(item, dict) and isinstance(item.get("data"), dict):
        item = item["data"]
    number = item.get("id") if isinstance(item, dict) else None
    if not isinstance(item, dict) or isinstance(number, bool) or not isinstance(number, str | int):
        raise CarrierAnswerError(f"The answer to {what} has an item without an id; nothing was taken from it.")
    if len(str(number)) > ID_LENGTH:
        raise CarrierAnswerError(f"The answer to {what} has an id of over {ID_LENGTH} characters; it was not taken.")
    return {**item, "id": str(number), "attributes": object_in(item, "attributes", what)}


def object_in(values: Mapping[str, Any], key: str, what: str) -> dict[str, Any]:
    """
    Return an object that an answer holds; an empty one where it is absent.

    Raises:
        CarrierAnswerError: There is something else in its place.
    """
    value = values.get(key)
    if value is not None and not isinstance(value, dict):
        raise CarrierAnswerError(f"The answer to {what} has no object in {key}; nothing was taken from it.")
    return value or {}


def required(values: Mapping[str, Any], key: str, what: str) -> str:
    """
    Return a value as text.

    Raises:
        CarrierAnswerError: It is missing or empty, a list or an object.
    """
    value = optional(values, key, what)
    if not value:
        raise CarrierAnswerError(f"The answer to {what} has an item without {key}; nothing was taken from it.")
    return value


def optional(values: Mapping[str, Any], key: str, what: str) -> str:
    """
    Return a value as text; ``""`` where it is absent.

    Raises:
        CarrierAnswerError: It is a list or an object.
    """
    value = values.get(key)
    if isinstance(value, list | dict):
        raise CarrierAnswerError(f"The answer to {what} has no text in {key}; nothing was taken from it.")
    return text(value)


def text(value: Any) -> str:
    """Return a value as text; ``""`` where it is absent."""
    return "" if value is None else str(value)


def time_of(value: Any) -> datetime | None:
    """Read an ISO 8601 time, UTC where it names no zone; ``None`` where it is absent or not a time."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if at is None else (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
    except (ValueError, OverflowError):
        return None
