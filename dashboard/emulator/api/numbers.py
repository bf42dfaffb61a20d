"""``/v2/numbers``: the account's DIDs, their aliases and the routes that they point to."""

from __future__ import annotations

import sqlite3
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

router = APIRouter(prefix="/v2/numbers", default_response_class=ApiResponse, tags=["numbers"])

Digits = Annotated[str | None, Query(pattern=r"^\+?[0-9]{1,15}$", description="Digits.")]
Number = Annotated[str, Path(pattern=r"^\+?[0-9]{1,15}$", description="The number, 1 and ten digits.")]


class NumberShown(Exact):
    """Attributes of a number in a response."""

    alias: str | None
    value: str
    rate_center: str
    state: str
    number_type: str
    cnam_lookups_enabled: bool


class RouteId(Strict):
    """Resource identifier of a route."""

    type: str = Field(pattern="^route$")
    id: str = Field(pattern="^[0-9]{1,18}$")


class PointAt(Strict):
    """Request body that points a number to a route."""

    data: RouteId


class NumberAttributes(Strict):
    """Attributes of a number that can be changed."""

    alias: str | None = Field(max_length=200)


class NumberData(Strict):
    """Resource of a number to change."""

    type: str = Field(pattern="^number$")
    id: str | None = None
    attributes: NumberAttributes


class NumberChange(Strict):
    """Request body that changes a number."""

    data: NumberData


class NumberAlias(Strict):
    """Request body that changes a number's alias, not wrapped in a document, as the vendor's Python SDK sends it."""

    type: str = Field(pattern="^number$")
    id: str | None = None
    alias: str | None = Field(max_length=200)


@router.get(
    "",
    response_model=None,
    responses={200: {"model": Listing[Resource[NumberShown]]}, **refusals(401, 422, 429, 503)},
)
def list_numbers(
    account: Account,
    starts_with: Digits = None,
    contains: Digits = None,
    ends_with: Digits = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ApiResponse:
    """List the account's numbers without their routes; ``get_number`` returns these."""
    patterns = [
        f"{(starts_with or '').lstrip('+')}%",
        f"%{(contains or '').lstrip('+')}%",
        f"%{(ends_with or '').lstrip('+')}",
    ]
    rows = account.rows(
        "SELECT * FROM numbers WHERE id LIKE ? AND id LIKE ? AND id LIKE ? ORDER BY id LIMIT ? OFFSET ?",
        (*patterns, limit + 1, offset),
    )
    items = [_item(row) for row in rows[:limit]]
    return ApiResponse(page("/v2/numbers", items, limit, offset, has_more=len(rows) > limit))


@router.get(
    "/{number}",
    response_model=None,
    responses={200: {"model": Document[NumberShown]}, **refusals(401, 404, 422, 429, 503)},
)
def get_number(number: Number, account: Account) -> ApiResponse:
    """Return one number and the routes that it points to."""
    row = _find(account, number)
    included = [_route(account, row[name]) for name in ("route_id", "failover_route_id") if row[name] is not None]
    points = {
        "primary_route": _relationship(row["route_id"]),
        "failover_route": _relationship(row["failover_route_id"]),
        "cnam_preset": {"data": None},
        "e911_address": {"data": None},
    }
    item = _item(row) | {"relationships": points}
    return ApiResponse({"data": item, "included": included, "links": item["links"]})


@router.patch(
    "/{number}",
    response_model=None,
    dependencies=[Depends(only_json)],
    responses={200: {"model": Document[NumberShown]}, **refusals(400, 401, 404, 415, 422, 429, 503)},
)
def change_number(number: Number, change: NumberChange | NumberAlias, account: Account) -> ApiResponse:
    """Change a number's alias."""
    row = _find(account, number)
    body_id, alias = (
        (change.data.id, change.data.attributes.alias)
        if isinstance(change, NumberChange)
        else (change.id, change.alias)
    )
    if (body_id or row["id"]).lstrip("+") != row["id"]:
        raise Refused(422, f"The body names {body_id}, but the address names {row['id']}.")
    with account.writing() as connection:
        connection.execute("UPDATE numbers SET alias = ? WHERE id = ?", (alias, row["id"]))
    return get_number(number, account)


@router.patch(
    "/{number}/relationships/primary_route",
    response_model=None,
    status_code=204,
    dependencies=[Depends(only_json)],
    responses=refusals(400, 401, 404, 415, 422, 429, 503),
)
def point_primary(number: Number, target: PointAt, account: Account) -> Response:
    """Set a number's primary route."""
    return _point(account, number, "route_id", target)


@router.delete(
    "/{number}/relationships/primary_route",
    response_model=None,
    status_code=204,
    responses=refusals(401, 404, 422, 429, 503),
)
def unassign_primary(number: Number, account: Account) -> Response:
    """Remove a number's primary route."""
    return _point(account, number, "route_id", None)


@router.patch(
    "/{number}/relationships/failover_route",
    response_model=None,
    status_code=204,
    dependencies=[Depends(only_json)],
    responses=refusals(400, 401, 404, 415, 422, 429, 503),
)
def point_failover(number: Number, target: PointAt, account: Account) -> Response:
    """Set a number's failover route, for when the primary route is unreachable."""
    return _point(account, number, "failover_route_id", target)


@router.delete(
    "/{number}/relationships/failover_route",
    response_model=None,
    status_code=204,
    responses=refusals(401, 404, 422, 429, 503),
)
def unassign_failover(number: Number, account: Account) -> Response:
    """Remove a number's failover route."""
    return _point(account, number, "failover_route_id", None)


def _find(account: Database, number: str) -> sqlite3.Row:
    rows = account.rows("SELECT * FROM numbers WHERE id = ?", (number.lstrip("+"),))
    if not rows:
        raise Refused(404, f"The account has no number {number}.")
    return rows[0]


def _point(account: Database, number: str, column: str, target: PointAt | None) -> Response:
    row = _find(account, number)
    route = None if target is None else int(target.data.id)
    with account.writing() as connection:
        if route is not None and not account.rows("SELECT 1 FROM routes WHERE id = ?", (route,)):
            raise Refused(404, f"The account has no route {route}.")
        connection.execute(f"UPDATE numbers SET {column} = ? WHERE id = ?", (route, row["id"]))  # noqa: S608 - one of two names
    return Response(status_code=204)


def _item(row: sqlite3.Row) -> dict[str, Any]:
    attributes = {
        "alias": row["alias"] or None,
        "value": row["id"],
        "rate_center": "",
        "state": "",
        "number_type": row["number_type"],
        "cnam_lookups_enabled": False,
    }
    return {
        "type": "number",
        "id": row["id"],
        "attributes": attributes,
        "links": {"self": f"{INTERNAL}/v2/numbers/{row['id']}"},
    }


def _relationship(route: int | None) -> dict[str, Any]:
    return {"data": None if route is None else {"type": "route", "id": str(route)}}


def _route(account: Database, route: int) -> dict[str, Any]:
    row = account.rows("SELECT * FROM routes WHERE id = ?", (route,))[0]
    attributes = {name: row[name] for name in ("alias", "route_type", "value")}
    return {
        "type": "route",
        "id": str(route),
        "attributes": attributes,
        "links": {"self": f"{INTERNAL}/v2/routes/{route}"},
    }
