"""``/v2/routes``: inbound routes and the PoPs they may prefer (edge strategies)."""

from __future__ import annotations

import re
import sqlite3
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from dashboard.emulator.api.responses import (
    DEFAULT_LIMIT,
    INTERNAL,
    Account,
    ApiResponse,
    Document,
    Exact,
    Limit,
    Listing,
    Offset,
    Refused,
    Resource,
    Strict,
    only_json,
    page,
    refusals,
)
from dashboard.emulator.database import Database

router = APIRouter(prefix="/v2/routes", default_response_class=ApiResponse, tags=["routes"])

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = rf"(?P<host>{LABEL}(?:\.{LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?"
MORE = r"(?:;(?:transport=(?:udp|tcp|tls)|weight=[0-9.]+))*"
SHAPES = {
    "host": (re.compile(rf"{HOST}{MORE}"), "an address or name, with :port where needed"),
    "number": (re.compile(r"1[0-9]{10}"), "a number of 11 digits"),
    "uri": (re.compile(rf"sips?:[^@\s]+@{HOST}{MORE}"), "protocol:user@domain[:port]"),
}
"""Valid values by type of route (the vendor's page on inbound routes)."""
LAST_PORT = 65_535


class RouteType(StrEnum):
    """Types of routes; ``sip-reg`` is route 0, which always exists."""

    SIP_REG = "sip-reg"
    HOST = "host"
    URI = "uri"
    NUMBER = "number"


class RouteShown(Exact):
    """Attributes of a route in a response; ``sip-reg`` has no value."""

    alias: str
    route_type: RouteType
    value: str | None
    edge_strategy_id: str | None


class EdgeShown(Exact):
    """Attributes of a PoP in a response."""

    name: str
    naptr: str
    description: str
    firewall_rules: str


class RouteAttributes(Strict):
    """Attributes of a route to create."""

    alias: str = Field(min_length=1, max_length=200)
    route_type: str = Field(pattern="^(host|uri|number)$")
    value: str = Field(min_length=1, max_length=500)
    edge_strategy: str | None = None
    edge_strategy_id: int | str | None = None


class RouteData(Strict):
    """Resource of a route to create."""

    type: str = Field(pattern="^route$")
    attributes: RouteAttributes


class NewRoute(Strict):
    """Request body that creates a route."""

    data: RouteData


class RoutePatch(Strict):
    """Attributes of a route that can be changed."""

    alias: str | None = Field(default=None, min_length=1, max_length=200)
    route_type: str | None = Field(default=None, pattern="^(host|uri|number)$")
    value: str | None = Field(default=None, min_length=1, max_length=500)
    edge_strategy: str | None = None
    edge_strategy_id: int | str | None = None


class RoutePatchData(Strict):
    """Resource of a route to change."""

    type: str = Field(default="route", pattern="^route$")
    attributes: RoutePatch


class RouteChange(Strict):
    """Request body that changes a route."""

    data: RoutePatchData


RouteId = Annotated[int, Path(ge=0, le=2**53, description="The route's id.")]


@router.get(
    "",
    response_model=None,
    responses={200: {"model": Listing[Resource[RouteShown]]}, **refusals(401, 422, 429, 503)},
)
def list_routes(
    account: Account,
    route_type: Annotated[RouteType | None, Query(description="Only routes of this type.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ApiResponse:
    """List the account's routes, including ``sip-reg``."""
    rows = account.rows(
        "SELECT * FROM routes WHERE ? IN ('', route_type) ORDER BY id LIMIT ? OFFSET ?",
        (str(route_type or ""), limit + 1, offset),
    )
    items = [_item(row) for row in rows[:limit]]
    return ApiResponse(page("/v2/routes", items, limit, offset, has_more=len(rows) > limit))


@router.get(
    "/edge_strategies",
    response_model=None,
    responses={200: {"model": Listing[Resource[EdgeShown]]}, **refusals(401, 429, 503)},
)
def list_edge_strategies(account: Account) -> ApiResponse:
    """List the PoPs, with the networks that a PBX must admit."""
    items = [
        {
            "type": "edge_strategy",
            "id": row["id"],
            "attributes": {
                "name": row["name"],
                "naptr": row["host"],
                "description": row["description"],
                "firewall_rules": row["ranges"],
            },
        }
        for row in account.rows("SELECT * FROM edges ORDER BY id")
    ]
    return ApiResponse({"data": items, "links": {"self": f"{INTERNAL}/v2/routes/edge_strategies"}})


@router.post(
    "",
    response_model=None,
    status_code=201,
    dependencies=[Depends(only_json)],
    responses={201: {"model": Document[RouteShown]}, **refusals(400, 401, 415, 422, 429, 503)},
)
def create_route(route: NewRoute, account: Account) -> ApiResponse:
    """Create a route; its alias is unique on the account."""
    new = route.data.attributes
    _check(new.route_type, new.value)
    edge = _edge(account, new)
    try:
        with account.writing() as connection:
            number = connection.execute(
                "INSERT INTO routes (alias, route_type, value, edge_strategy_id) VALUES (?, ?, ?, ?)",
                (new.alias, new.route_type, new.value, edge),
            ).lastrowid
    except sqlite3.IntegrityError:
        raise Refused(422, f"alias: The account has a route {new.alias} already.") from None
    return ApiResponse({"data": _item(_find(account, int(number or 0)))}, status_code=201)


@router.patch(
    "/{route_id}",
    response_model=None,
    dependencies=[Depends(only_json)],
    responses={200: {"model": Document[RouteShown]}, **refusals(400, 401, 403, 404, 415, 422, 429, 503)},
)
def change_route(route_id: RouteId, change: RouteChange, account: Account) -> ApiResponse:
    """Change a route's alias, type, value or PoP; the value must be valid for the type."""
    row = _find(account, route_id)
    if not route_id:
        raise Refused(403, "The route sip-reg cannot be changed.")
    patch = change.data.attributes
    route_type = patch.route_type or row["route_type"]
    value = patch.value or row["value"]
    _check(route_type, value)
    edge = _edge(account, patch) or row["edge_strategy_id"]
    try:
        with account.writing() as connection:
            connection.execute(
                "UPDATE routes SET alias = ?, route_type = ?, value = ?, edge_strategy_id = ? WHERE id = ?",
                (patch.alias or row["alias"], route_type, value, edge, route_id),
            )
    except sqlite3.IntegrityError:
        raise Refused(422, f"alias: The account has a route {patch.alias} already.") from None
    return ApiResponse({"data": _item(_find(account, route_id))})


@router.delete("/{route_id}", response_model=None, status_code=204, responses=refusals(401, 403, 404, 422, 429, 503))
def delete_route(route_id: RouteId, account: Account) -> Response:
    """Delete a route that no number points to."""
    row = _find(account, route_id)
    if not route_id:
        raise Refused(403, "The route sip-reg cannot be deleted.")
    query = "SELECT id FROM numbers WHERE ? IN (route_id, failover_route_id) ORDER BY id"
    with account.writing() as connection:
        pointing = account.rows(query, (route_id,))
        if pointing:
            subject = "1 number points" if len(pointing) == 1 else f"{len(pointing)} numbers point"
            raise Refused(403, f"{subject} at the route {row['alias']}, {pointing[0]['id']} first.")
        connection.execute("DELETE FROM routes WHERE id = ?", (route_id,))
    return Response(status_code=204)


def _find(account: Database, route_id: int) -> sqlite3.Row:
    rows = account.rows("SELECT * FROM routes WHERE id = ?", (route_id,))
    if not rows:
        raise Refused(404, f"The account has no route {route_id}.")
    return rows[0]


def _check(route_type: str, value: str) -> None:
    shape, words = SHAPES[route_type]
    match = shape.fullmatch(value)
    if match is None or not _reachable(**match.groupdict()):
        raise Refused(422, f"value: A route of type {route_type} takes {words}.")


def _reachable(host: str = "", port: str | None = None) -> bool:
    """Return whether the port is valid, and a host of only digits and dots is a valid IPv4 address."""
    if port is not None and not 0 < int(port) <= LAST_PORT:
        return False
    if host.replace(".", "").isdigit():
        try:
            IPv4Address(host)
        except AddressValueError:
            return False
    return True


def _edge(account: Database, requested: RouteAttributes | RoutePatch) -> str | None:
    """Return the id of a PoP given by id or name; the vendor's page and its demo use different field names."""
    edge = requested.edge_strategy if requested.edge_strategy_id is None else requested.edge_strategy_id
    if edge is None:
        return None
    rows = account.rows("SELECT id FROM edges WHERE ? IN (id, name)", (str(edge),))
    if not rows:
        raise Refused(422, f"edge_strategy_id: There is no edge strategy {edge}.")
    return str(rows[0]["id"])


def _item(row: sqlite3.Row) -> dict[str, Any]:
    attributes = {name: row[name] for name in ("alias", "route_type", "value", "edge_strategy_id")}
    return {
        "type": "route",
        "id": str(row["id"]),
        "attributes": attributes,
        "links": {"self": f"{INTERNAL}/v2/routes/{row['id']}"},
    }
