"""Accessors for objects in NetBox responses, independent of the format of a NetBox release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, ip_address, ip_interface
from typing import Any

_YES = {True: "yes", False: "no"}
_INSIDE = tuple(
    IPv4Network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")
)
"""Networks from which the carrier never receives calls; it does not accept IPv6 either."""


def of(value: Any) -> Mapping[str, Any]:
    """Return a value if it is an object; else an empty object."""
    return value if isinstance(value, dict) else {}


def id_of(value: Any) -> int:
    """Return the id of an object; 0, which NetBox never uses, if there is none."""
    object_id = of(value).get("id")
    return object_id if isinstance(object_id, int) else 0


def custom_fields_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the custom fields of an object by name; empty if it has none."""
    return of(record.get("custom_fields"))


def text_of(value: Any) -> str:
    """Return the value of a custom field as text: a choice, an object's name, or several values joined by commas."""
    parts = value if isinstance(value, list) else [value]
    return ",".join(filter(None, map(_plain, parts)))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        value = next((value[key] for key in ("value", "name", "address", "display") if value.get(key)), "")
    if isinstance(value, bool):
        return _YES[value]
    return str(value).strip() if isinstance(value, str | int | float) else ""


def value_of(record: Mapping[str, Any], name: str) -> str:
    """Return a field of an object as text; ``""`` if it is missing."""
    return text_of(record.get(name) or "")


def in_order(record: Mapping[str, Any], addresses: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield addresses with the primary ones first, IPv4 before IPv6."""
    primary = [dict(of(record.get(name))) for name in ("primary_ip4", "primary_ip6") if id_of(record.get(name))]
    order = [address.get("id") for address in primary]
    assigned_ids = {address.get("id") for address in addresses}
    yield from (address for address in primary if address.get("id") not in assigned_ids)
    yield from sorted(addresses, key=lambda candidate: (*order, candidate.get("id")).index(candidate.get("id")))


def host_of(text: Any) -> str:
    """Return the address part of NetBox's ``ADDRESS/LENGTH``; ``""`` if the text is not an address."""
    try:
        return str(ip_interface(str(text)).ip)
    except ValueError:
        return ""


def is_inside(address: str) -> bool:
    """
    Return whether the carrier can never receive calls from an address.

    Raises:
        ValueError: The text is not an address.
    """
    parsed = ip_address(address)
    return parsed.version != 4 or any(parsed in network for network in _INSIDE)  # noqa: PLR2004 - the carrier accepts IPv4 only
