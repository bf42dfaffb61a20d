"""
Before-image: the part of the account that a set of changes touches or was evaluated with.

Policy changes are evaluated with the whole list and the credentials switch, so the image contains both; changes of
routes concern only the routes and numbers that they name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import pandas as pd

from dashboard.domain.admission import Policy
from dashboard.domain.changes import (
    AllowAddress,
    Change,
    CreateRoute,
    DeleteRoute,
    RemoveAddress,
    RouteNumber,
    SetCredentials,
)

POLICY_KINDS = (AllowAddress, RemoveAddress, SetCredentials)
SIP_REG = "sip-reg"


class Frames(Protocol):
    """Protocol for objects with the account's frames: a snapshot, or a fresh reading of the carrier."""

    @property
    def allowed_ips(self) -> pd.DataFrame:
        """Frame ALLOWED_IPS."""
        ...

    @property
    def numbers(self) -> pd.DataFrame:
        """Frame NUMBERS."""
        ...

    @property
    def routes(self) -> pd.DataFrame:
        """Frame ROUTES."""
        ...

    @property
    def policy(self) -> Policy:
        """Current policy."""
        ...


def image(frames: Frames, changes: Sequence[Change]) -> dict[str, Any]:
    """
    Return the part of the account that is relevant to the changes, as a JSON value.

    Args:
        frames: The account as read.
        changes: Planned changes.

    Returns:
        ``allowed_ips`` (whole entries by network) and ``credentials_on`` for policy changes;
        ``routes`` and ``numbers`` by alias and number for changes of routes.
    """
    result: dict[str, Any] = {}
    if any(isinstance(change, POLICY_KINDS) for change in changes):
        result["allowed_ips"] = {row["network"]: entry(row) for row in frames.allowed_ips.to_dict("records")}
        result["credentials_on"] = frames.policy.credentials_on
    routes = {c.alias for c in changes if isinstance(c, CreateRoute | DeleteRoute)}
    numbers = {c.number for c in changes if isinstance(c, RouteNumber)}
    if routes:
        rows = frames.routes[frames.routes["alias"].isin(sorted(routes))].to_dict("records")
        route_values = {row["alias"]: f"{row['route_type']}:{row['value']}" for row in rows}
        result["routes"] = {alias: route_values.get(alias) for alias in sorted(routes)}
    if numbers:
        aliases = route_aliases(frames.routes)
        rows = frames.numbers[frames.numbers["number"].isin(sorted(numbers))].to_dict("records")
        pointed = {row["number"]: aliases.get(row["route_id"], row["route_id"]) for row in rows}
        result["numbers"] = {number: pointed.get(number) for number in sorted(numbers)}
    return result


def touched(changes: Sequence[Change]) -> list[tuple[str, str]]:
    """Return the places that changes modify, as pairs of a part of the image and a name in it."""
    locations: list[tuple[str, str]] = []
    for change in changes:
        match change:
            case AllowAddress() | RemoveAddress():
                locations.append(("allowed_ips", change.network))
            case SetCredentials():
                locations.append(("credentials_on", "The credentials switch"))
            case CreateRoute() | DeleteRoute():
                locations.append(("routes", change.alias))
            case RouteNumber():
                locations.append(("numbers", change.number))
    return locations


def part_of(account_image: dict[str, Any], kind: str, name: str) -> Any:
    """Return the value of an image at a place from ``touched``; ``None`` if it has none."""
    part = account_image.get(kind)
    return part.get(name) if isinstance(part, dict) else part


def entry(row: Any) -> dict[str, str]:
    """Return the fields that restore an entry of the list: all those that the operator set."""
    review = row.get("review_by")
    return {
        **{name: str(row[name]) for name in ("label", "owner", "purpose", "role")},
        "review_by": "" if review is None or pd.isna(review) or review == "" else pd.Timestamp(review).isoformat(),
    }


def route_aliases(routes: pd.DataFrame) -> dict[str, str]:
    """Return a mapping of route id to alias; the default route ``0`` has the alias ``sip-reg``."""
    return {"": "", "0": SIP_REG} | {
        row["route_id"]: (SIP_REG if row["route_type"] == SIP_REG else row["alias"] or row["route_id"])
        for row in routes.to_dict("records")
    }


def after(before: dict[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    """
    Compute the image that must result from the changes.

    Args:
        before: Image before the changes.
        changes: Changes in the order they are carried out.

    Returns:
        The image expected when the account is read again.
    """
    expected: dict[str, Any] = {key: dict(value) if isinstance(value, dict) else value for key, value in before.items()}
    for change in changes:
        match change:
            case AllowAddress():
                expected["allowed_ips"][change.network] = entry(change.model_dump())
            case RemoveAddress():
                expected["allowed_ips"].pop(change.network, None)
            case SetCredentials():
                expected["credentials_on"] = change.enabled
            case CreateRoute():
                expected["routes"][change.alias] = f"{change.route_type}:{change.value}"
            case DeleteRoute():
                expected["routes"][change.alias] = None
            case RouteNumber():
                expected["numbers"][change.number] = change.to_alias
    return expected


def proposed(policy: Policy, changes: Sequence[Change]) -> Policy:
    """Return the policy that results from applying the changes to this one."""
    networks = set(policy.networks)
    credentials_on = policy.credentials_on
    for change in changes:
        match change:
            case AllowAddress():
                networks.add(change.network)
            case RemoveAddress():
                networks.discard(change.network)
            case SetCredentials():
                credentials_on = change.enabled
    return replace(policy, networks=frozenset(networks), credentials_on=credentials_on)
