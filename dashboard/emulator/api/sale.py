"""``/v2/numbers/available`` and the purchase of a number: an emulated account is offered none, and says so."""

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
    """Attributes of a purchasable number."""

    value: str
    rate_center: str
    state: str
    number_type: str
    monthly_cost: float
    setup_cost: float


class Search(BaseModel):
    """What numbers may be searched by."""

    starts_with: Digits = None
    contains: Digits = None
    ends_with: Digits = None
    rate_center: str | None = Field(None, max_length=100)
    state: str | None = Field(None, pattern=r"^[A-Za-z]{2}$")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MOST)
    offset: int = Field(0, ge=0, le=MOST_OFFSET)


class AreaCodes(BaseModel):
    """What area codes may be asked for by; the vendor gives twice as many a page as of anything else."""

    max_setup_cost: float | None = Field(None, ge=0, allow_inf_nan=False)
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=2 * MOST)
    offset: int = Field(0, ge=0, le=MOST_OFFSET)


class Exchanges(BaseModel):
    """What exchanges may be asked for by."""

    max_setup_cost: float | None = Field(None, ge=0, allow_inf_nan=False)
    areacode: str | None = Field(None, pattern="^[0-9]{3}$")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MOST)
    offset: int = Field(0, ge=0, le=MOST_OFFSET)


@router.get(
    "/available",
    response_model=None,
    responses={200: {"model": Listing[Resource[NumberForSale]]}, **refusals(401, 422, 429, 503)},
)
def list_for_sale(_account: Account, asked: Annotated[Search, Query()]) -> ApiResponse:
    """List numbers that can be purchased: none."""
    return _none("", asked.limit, asked.offset)


@router.get(
    "/available/areacodes",
    response_model=None,
    responses={200: {"model": Listing[Code]}, **refusals(401, 422, 429, 503)},
)
def list_area_codes(_account: Account, asked: Annotated[AreaCodes, Query()]) -> ApiResponse:
    """List area codes that have numbers for sale: none."""
    return _none("/areacodes", asked.limit, asked.offset)


@router.get(
    "/available/exchanges",
    response_model=None,
    responses={200: {"model": Listing[Code]}, **refusals(401, 422, 429, 503)},
)
def list_exchanges(_account: Account, asked: Annotated[Exchanges, Query()]) -> ApiResponse:
    """List exchanges that have numbers for sale: none."""
    return _none("/exchanges", asked.limit, asked.offset)


@router.post("/{number}", include_in_schema=False)  # a description would have to promise an answer other than a refusal
def purchase(number: Number, _account: Account) -> ApiResponse:
    """Refuse to sell a number, whether the account has it already or not."""
    raise Refused(
        404,
        f"The number {number} is not for sale: an emulated account has the numbers it was made with. "
        "Purchase numbers on an account of the carrier.",
    )


def _none(path: str, limit: int, offset: int) -> ApiResponse:
    return ApiResponse(page(f"/v2/numbers/available{path}", [], limit, offset, more=False))
