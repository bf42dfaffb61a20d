"""
Pagination of API lists, and access to the fields of list items.

This module counts the offsets. ``links.next`` only indicates that more items follow: in the vendor's own
sample it points to an internal host, so it is never followed.

Source: developer.flowroute.com/api/numbers/v2.0 (``limit``: default 10, at most 200; ``offset``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from dashboard.core.errors import CarrierAnswerError
from dashboard.core.http.retries import Waits
from dashboard.core.http.session import HttpSession

LIMIT = 200
ID_LENGTH = 200
MOST_PAGES = 1000
"""About 200,000 items: a longer list is treated as faulty."""


def pages(transport: HttpSession, path: str, params: Mapping[str, Any] | None = None) -> Iterator[list[dict[str, Any]]]:
    """
    Yield the pages of a list, each item once.

    Args:
        transport: HTTP session of the account.
        path: Path of the list.
        params: Query parameters for filters.

    Raises:
        CarrierAnswerError: A page is not a list, an item has no id, or the pages repeat or do not end.
        CarrierUnavailableError: As ``HttpSession.get``; all pages share the limit of delays.
    """
    waits = Waits()
    seen_ids: set[str] = set()
    offset = 0
    for number in count(1):
        body = transport.get(path, {**(params or {}), "limit": LIMIT, "offset": offset}, waits=waits)
        items = items_of(body, f"GET {path}")
        new = [item for item in items if item["id"] not in seen_ids]
        if (items and not new) or number > MOST_PAGES:
            raise CarrierAnswerError(
                f"The list of GET {path} repeats itself at offset {offset} and cannot be read to its end. "
                "Nothing was taken from it."
            )
        yield new
        seen_ids.update(item["id"] for item in new)
        offset += len(items)
        links = body.get("links")
        has_next = isinstance(links, dict) and bool(links.get("next"))
        if not items or (len(items) < LIMIT and not has_next):
            return


def items_of(body: Mapping[str, Any], endpoint: str) -> list[dict[str, Any]]:
    """Return the items of one page, plain or each nested in its own ``data``; ids become text."""
    items = body.get("data")
    if not isinstance(items, list):
        raise CarrierAnswerError(f"The answer to {endpoint} has no list in data; nothing was taken from it.")
    return [item_of(item, endpoint) for item in items]


def item_of(item: Any, endpoint: str) -> dict[str, Any]:
    """
    Return one item with its ``id`` as text and its ``attributes`` as a dict.

    Raises:
        CarrierAnswerError: The item or its ``attributes`` is not an object, or the id is missing or too long.
    """
    if isinstance(item, dict) and isinstance(item.get("data"), dict):
        item = item["data"]
    number = item.get("id") if isinstance(item, dict) else None
    if not isinstance(item, dict) or isinstance(number, bool) or not isinstance(number, str | int):
        raise CarrierAnswerError(f"The answer to {endpoint} has an item without an id; nothing was taken from it.")
    if len(str(number)) > ID_LENGTH:
        raise CarrierAnswerError(
            f"The answer to {endpoint} has an id of over {ID_LENGTH} characters; it was not taken."
        )
    return {**item, "id": str(number), "attributes": object_in(item, "attributes", endpoint)}


def object_in(values: Mapping[str, Any], key: str, endpoint: str) -> dict[str, Any]:
    """
    Return a nested object of a response; an empty dict if it is absent.

    Raises:
        CarrierAnswerError: The value is not an object.
    """
    value = values.get(key)
    if value is not None and not isinstance(value, dict):
        raise CarrierAnswerError(f"The answer to {endpoint} has no object in {key}; nothing was taken from it.")
    return value or {}


def required(values: Mapping[str, Any], key: str, endpoint: str) -> str:
    """
    Return a required value as text.

    Raises:
        CarrierAnswerError: The value is missing, empty, a list or an object.
    """
    value = optional(values, key, endpoint)
    if not value:
        raise CarrierAnswerError(f"The answer to {endpoint} has an item without {key}; nothing was taken from it.")
    return value


def optional(values: Mapping[str, Any], key: str, endpoint: str) -> str:
    """
    Return an optional value as text; ``""`` if it is absent.

    Raises:
        CarrierAnswerError: The value is a list or an object.
    """
    value = values.get(key)
    if isinstance(value, list | dict):
        raise CarrierAnswerError(f"The answer to {endpoint} has no text in {key}; nothing was taken from it.")
    return text(value)


def text(value: Any) -> str:
    """Return a value as text; ``""`` for ``None``."""
    return "" if value is None else str(value)


def time_of(value: Any) -> datetime | None:
    """Parse an ISO 8601 time into UTC; a time without an offset is UTC; ``None`` if it is absent or invalid."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if at is None else (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
    except (ValueError, OverflowError):
        return None
