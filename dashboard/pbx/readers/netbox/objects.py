"""Objects of NetBox's answers: what a part of one holds, whatever shape a release of NetBox gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, ip_address, ip_interface
from typing import Any

_YES = {True: "yes", False: "no"}
_INSIDE = tuple(
    IPv4Network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")
)
"""Networks that the carrier never sees a call from; nor does it take IPv6."""


def of(value: Any) -> Mapping[str, Any]:
    """Return an object of an answer; an empty one where there is something else."""
    return value if isinstance(value, dict) else {}


def id_of(value: Any) -> int:
    """Return the id of an object of an answer; 0, which none has, where there is no such object."""
    found = of(value).get("id")
    return found if isinstance(found, int) else 0


def custom_fields_of(one: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object's custom fields by their names; none where it has none."""
    return of(one.get("custom_fields"))


def text_of(value: Any) -> str:
    """Return what a custom field holds as text: a choice, an object by its name, several with commas between."""
    parts = value if isinstance(value, list) else [value]
    return ",".join(filter(None, map(_plain, parts)))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        value = next((value[key] for key in ("value", "name", "address", "display") if value.get(key)), "")
    if isinstance(value, bool):
        return _YES[value]
    return str(value).strip() if isinstance(value, str | int | float) else ""


def value_of(one: Mapping[str, Any], name: str) -> str:
    """Return a part of an object as text; ``""`` where it is not there."""
    return text_of(one.get(name) or "")


def in_order(one: Mapping[str, Any], addresses: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return addresses with the primary ones in front, that of version 4 first."""
    named = [dict(of(one.get(name))) for name in ("primary_ip4", "primary_ip6") if id_of(one.get(name))]
    order = [address.get("id") for address in named]
    known = {address.get("id") for address in addresses}
    yield from (address for address in named if address.get("id") not in known)
    yield from sorted(addresses, key=lambda each: (*order, each.get("id")).index(each.get("id")))


def host_of(text: Any) -> str:
    """Return the address of ``ADDRESS/LENGTH``, as NetBox writes one; ``""`` where it is none."""
    try:
        return str(ip_interface(str(text)).ip)
    except ValueError:
        return ""


def is_inside(address: str) -> bool:
    """Say whether the carrier never sees calls from an address; ``ValueError`` where it is none."""
    known = ip_address(address)
    return known.version != 4 or any(known in network for network in _INSIDE)  # noqa: PLR2004 - the version that the carrier takes
