"""``/v2/numbers/available`` and number purchase: an emulated account has no numbers for sale."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from dashboard.emulator.api.numbers import Number
from dashboard.emulator.api.responses import (
    DEFAULT_LIMIT,
    MOST,
    MOST_OFFSET,
    Account,
    ApiResponse,
    Exact,
    Listing,
    Refused,
    Resource,
    page,
    refusals,
)

router = APIRouter(prefix="/v2/numbers", default_response_class=ApiResponse, tags=["numbers for sale"])

Digits = Annotated[str | None, Field(pattern=r"^\+?[0-9]{1,15}$")]


class Code(Exact):
    """An area code or an exchange with numbers for sale."""

    type: str
    id: str
    links: dict[str, str]


class NumberForSale(Exact):
    """Attributes of a number for sale."""

    value: str
    rate_center: str
    state: str
    number_type: str
    monthly_cost: float
    setup_cost: float


class Search(BaseModel):
    """Query parameters for numbers."""

    starts_with: Digits = None
    contains: Digits = None
    ends_with: Digits = None
    rate_center: str | None = Field(None, max_length=100)
    state: str | None = Field(None, pattern=r"^[A-Za-z]{2}$")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MOST)
    offset: int = Field(0, ge=0, le=MOST_OFFSET)


class AreaCodes(BaseModel):
    """Query parameters for area codes; the vendor's page limit is twice that of other lists."""

    max_setup_cost: float | None = Field(None, ge=0, allow_inf_nan=False)
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=2 * MOST)
    offset: int = Field(0, ge=0, le=MOST_OFFSET)


class Exchanges(BaseModel):
    """Query parameters for exchanges."""

    max_setup_cost: float | None = Field(None, ge=0, allow_inf_nan=False)
    areacode: str | None = Field(None, pattern="^[0-9]{3}$")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MOST)
    offset: int = Field(0, ge=0, le=MOST_OFFSET)


@router.get(
    "/available",
    response_model=None,
    responses={200: {"model": Listing[Resource[NumberForSale]]}, **refusals(401, 422, 429, 503)},
)
def list_for_sale(_account: Account, query: Annotated[Search, Query()]) -> ApiResponse:
    """List numbers for sale; always empty."""
    return _none("", query.limit, query.offset)


@router.get(
    "/available/areacodes",
    response_model=None,
    responses={200: {"model": Listing[Code]}, **refusals(401, 422, 429, 503)},
)
def list_area_codes(_account: Account, query: Annotated[AreaCodes, Query()]) -> ApiResponse:
    """List area codes with numbers for sale; always empty."""
    return _none("/areacodes", query.limit, query.offset)


@router.get(
    "/available/exchanges",
    response_model=None,
    responses={200: {"model": Listing[Code]}, **refusals(401, 422, 429, 503)},
)
def list_exchanges(_account: Account, query: Annotated[Exchanges, Query()]) -> ApiResponse:
    """List exchanges with numbers for sale; always empty."""
    return _none("/exchanges", query.limit, query.offset)


@router.post("/{number}", include_in_schema=False)  # a schema would have to describe a success response
def purchase(number: Number, _account: Account) -> ApiResponse:
    """Return 404 for every number, whether the account already has it or not."""
    raise Refused(
        404,
        f"The number {number} is not for sale: an emulated account has the numbers it was made with. "
        "Purchase numbers on an account of the carrier.",
    )


def _none(path: str, limit: int, offset: int) -> ApiResponse:
    return ApiResponse(page(f"/v2/numbers/available{path}", [], limit, offset, has_more=False))
