"""
Flowroute: numbers, inbound routes, PoPs and call exports over its HTTP API, version 2.

API reference: https://developer.flowroute.com/api/numbers/v2.0/ and .../api/cdrexports/v2.0/.
Limits: pages hold at most 200 items; 429 exists, its thresholds are not published; times are UTC.
Allowed IPs, credentials and the tech prefix are not in the API: they come from the portal (``portal.py``).

List items of ``/v2/numbers`` are documented without their routes; the client then reads these number by number.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, collapse_addresses, summarize_address_range
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from dashboard.carriers.base import AccountState, ExportedWindow
from dashboard.carriers.flowroute.cdr_exports import ExportJobs
from dashboard.carriers.flowroute.pagination import item_of, items_of, object_in, optional, pages, required
from dashboard.carriers.flowroute.portal import Portal
from dashboard.carriers.flowroute.portal_schema import conformed
from dashboard.core.errors import CarrierAnswerError, CarrierRefusedError, CarrierUnavailableError
from dashboard.core.http.session import HttpSession
from dashboard.core.progress import Progress, Stop
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Change, CreateRoute, DeleteRoute, RouteNumber
from dashboard.schemas.tables import EDGES, NUMBERS, ROUTES, empty

API_CAPABILITIES = frozenset(
    {Capability.READ_CALLS, Capability.READ_NUMBERS, Capability.READ_ROUTES, Capability.WRITE_ROUTES},
)
REGISTRATION_ALIAS, REGISTRATION_ID = "sip-reg", "0"
"""Route of a new number: to the device that registers with the account's credentials."""

NUMBERS_PATH = "/v2/numbers"
ROUTES_PATH = "/v2/routes"
EDGES_PATH = "/v2/routes/edge_strategies"
READERS = 4
"""Number of concurrent requests for details of numbers."""


class FlowrouteCarrier:
    """One Flowroute account: its API, and a portal for settings that the API lacks."""

    name = "Flowroute"

    def __init__(self, transport: HttpSession, portal: Portal) -> None:
        self._transport = transport
        self._portal = portal
        self._exports = ExportJobs(transport)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """See ``Carrier``."""
        return API_CAPABILITIES | self._portal.capabilities

    def account(self) -> AccountState:
        """See ``Carrier``."""
        return self._portal.account()

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """See ``Carrier``."""
        return self._portal.allowed_ips()

    def inventory(self) -> dict[str, pd.DataFrame] | None:
        """See ``Carrier``."""
        return self._portal.inventory()

    def numbers(self) -> pd.DataFrame:
        """See ``Carrier``."""
        listed = [item for page in pages(self._transport, NUMBERS_PATH) for item in page]
        endpoint = f"GET {NUMBERS_PATH}"
        bare = [item["id"] for item in listed if "primary_route" not in object_in(item, "relationships", endpoint)]
        pool = ThreadPoolExecutor(READERS)
        try:
            detailed = dict(zip(bare, pool.map(self._number, bare), strict=True))
        finally:
            pool.shutdown(cancel_futures=True)
        rows = [_number_row(detailed.get(item["id"], item)) for item in listed]
        return conformed(pd.DataFrame(rows), NUMBERS, endpoint) if rows else empty(NUMBERS)

    def routes(self) -> pd.DataFrame:
        """See ``Carrier``."""
        rows = list(self._routes())
        return conformed(pd.DataFrame(rows), ROUTES, f"GET {ROUTES_PATH}") if rows else empty(ROUTES)

    def edges(self) -> pd.DataFrame:
        """See ``Carrier``."""
        endpoint = f"GET {EDGES_PATH}"
        rows = []
        for item in items_of(self._transport.get(EDGES_PATH), endpoint):
            values = item["attributes"]
            rows.append(
                {
                    "edge_strategy_id": item["id"],
                    "name": required(values, "name", endpoint),
                    "host": optional(values, "naptr", endpoint),
                    "description": optional(values, "description", endpoint),
                    "ranges": networks_of(optional(values, "firewall_rules", endpoint)),
                }
            )
        return conformed(pd.DataFrame(rows), EDGES, endpoint) if rows else empty(EDGES)

    def apply(self, change: Change) -> None:
        """See ``Carrier``."""
        if isinstance(change, CreateRoute):
            self._create_route(change)
        elif isinstance(change, DeleteRoute):
            self._transport.request("DELETE", f"{ROUTES_PATH}/{quote(self._route_id(change.alias), safe='')}")
        elif isinstance(change, RouteNumber):
            self._point_number(change)
        else:
            self._portal.apply(change)

    def export_calls(
        self,
        since: datetime,
        until: datetime,
        folder: Path,
        *,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> list[ExportedWindow]:
        """See ``Carrier``."""
        return self._exports.fetch(since, until, folder, progress=progress, stop=stop)

    def close(self) -> None:
        """See ``Carrier``."""
        self._transport.close()

    def _number(self, number: str) -> dict[str, Any]:
        path = f"{NUMBERS_PATH}/{quote(number, safe='')}"
        endpoint = f"GET {path}"
        item = item_of(self._transport.get(path).get("data"), endpoint)
        if "primary_route" not in object_in(item, "relationships", endpoint):
            raise CarrierAnswerError(f"The answer to GET {path} does not say where the number points.")
        return item

    def _routes(self) -> Iterator[dict[str, str]]:
        endpoint = f"GET {ROUTES_PATH}"
        for page in pages(self._transport, ROUTES_PATH):
            for item in page:
                values = item["attributes"]
                edge = "edge_strategy_id" if "edge_strategy_id" in values else "edge_strategy"
                yield {
                    "route_id": item["id"],
                    "alias": optional(values, "alias", endpoint),
                    "route_type": required(values, "route_type", endpoint).lower(),
                    "value": optional(values, "value", endpoint),
                    "edge_strategy_id": optional(values, edge, endpoint),
                }

    def _route_id(self, alias: str) -> str:
        """Return the id of the route with an alias; aliases are unique on an account."""
        if alias == REGISTRATION_ALIAS:
            return REGISTRATION_ID
        route_ids = [route["route_id"] for route in self._routes() if alias and route["alias"] == alias]
        if not route_ids:
            raise CarrierRefusedError(f"The account has no route with the alias {alias}. Sync, then plan again.")
        if len(route_ids) > 1:
            raise CarrierAnswerError(
                f"The account has {len(route_ids)} routes with the alias {alias}; nothing was changed."
            )
        return route_ids[0]

    def _create_route(self, change: CreateRoute) -> None:
        values = {"alias": change.alias, "route_type": change.route_type, "value": change.value}
        try:
            self._transport.request("POST", ROUTES_PATH, body={"data": {"type": "route", "attributes": values}})
        except CarrierUnavailableError:
            if not any(values.items() <= route.items() for route in self._routes()):
                raise

    def _point_number(self, change: RouteNumber) -> None:
        path = f"{NUMBERS_PATH}/{quote(change.number, safe='')}/relationships/primary_route"
        if not change.to_alias:
            self._transport.request("DELETE", path)
            return
        body = {"data": {"type": "route", "id": self._route_id(change.to_alias)}}
        self._transport.request("PATCH", path, body=body)


def networks_of(rules: str) -> str:
    """
    Parse a PoP's firewall rules, in which the carrier mixes networks and first-last ranges, into networks.

    Returns:
        Networks in CIDR notation, comma separated, without overlaps; parts that are not valid IPv4 are omitted.
    """
    networks: list[IPv4Network] = []
    for piece in rules.replace(";", ",").split(","):
        first, _, last = (part.strip() for part in piece.partition("-"))
        with suppress(ValueError):
            if last:
                networks += summarize_address_range(IPv4Address(first), IPv4Address(last))
            else:
                networks.append(IPv4Network(first, strict=False))
    return ", ".join(map(str, collapse_addresses(networks)))


def _number_row(item: dict[str, Any]) -> dict[str, str]:
    endpoint = f"GET {NUMBERS_PATH}"
    values = item["attributes"]
    points = object_in(item, "relationships", endpoint)
    return {
        "number": (optional(values, "value", endpoint) or item["id"]).lstrip("+"),
        "alias": optional(values, "alias", endpoint),
        "number_type": optional(values, "number_type", endpoint),
        "route_id": _target(points, "primary_route", item["id"]),
        "failover_route_id": _target(points, "failover_route", item["id"]),
    }


def _target(points: dict[str, Any], name: str, number: str) -> str:
    """Return the id of the route that a number points to; ``""`` if there is none."""
    data = object_in(points, name, f"GET {NUMBERS_PATH}").get("data")
    if data is None:
        return ""
    return str(item_of(data, f"GET {NUMBERS_PATH} ({name} of {number})")["id"])
