"""
Models of the portal's responses, and validation of responses and frames.

A field of a wrong type raises ``CarrierAnswerError`` with the endpoint and the field, so that no part of such a
response is used. Fields that are not declared here are ignored: a response may contain more.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dashboard import schemas
from dashboard.core.addresses import is_network
from dashboard.core.errors import CarrierAnswerError, TableError
from dashboard.core.text import quoted, shortened
from dashboard.schemas.pandera_import import pa

Model = TypeVar("Model", bound=BaseModel)
DETAIL_LENGTH = 60


def _network(text: str) -> str:
    if not is_network(text):
        raise ValueError(f"{quoted(text, DETAIL_LENGTH)} is no address of a network")
    return text


Network = Annotated[str, AfterValidator(_network)]
Scalar = str | int | float | bool | None
Row = dict[str, Scalar]


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class PortalAccount(_Answer):
    """Response of ``GET /portal/account``."""

    tech_prefix: Annotated[str, Field(min_length=1)]
    credentials_enabled: bool
    credentials_changed_at: str | None = None
    refusals_in_cdrs: bool | None = None
    digest_rescues_prefix: bool | None = None
    no_path_status: int | None = None
    sample: bool | None = None
    public_ranges: list[Network] | None = None


class PortalEntry(_Answer):
    """One entry of Outbound Allowed IPs; times are ISO 8601 text."""

    network: Network
    label: str | None = None
    owner: str | None = None
    purpose: str | None = None
    role: str | None = None
    added_at: str | None = None
    added_by: str | None = None
    review_by: str | None = None
    known_by: str | None = None


class PortalList(_Answer):
    """Response of ``GET /portal/allowed-ips``."""

    entries: list[PortalEntry]
    changed_at: str | None = None


class PortalInventory(_Answer):
    """Response of ``GET /portal/inventory``: rows of three frames and of removed entries, each an object of scalars."""

    pbxs: list[Row] | None = None
    pbx_addresses: list[Row] | None = None
    pbx_numbers: list[Row] | None = None
    past_allowed_ips: list[Row] | None = None


def validated(model: type[Model], body: Any, endpoint: str) -> Model:
    """
    Validate a response against its model.

    Args:
        model: Model of the response.
        body: JSON value.
        endpoint: Method and path, for the message.

    Raises:
        CarrierAnswerError: A field is missing or has a wrong type; the message names endpoint and field.
    """
    try:
        return model.model_validate(body)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        fault = first["msg"].removeprefix("Value error, ")
        raise CarrierAnswerError(
            f"The answer to {endpoint} has an unusable {shortened(field, DETAIL_LENGTH)}: {fault}; nothing was taken "
            "from it."
        ) from None


def conformed(frame: pd.DataFrame, schema: pa.DataFrameSchema, endpoint: str) -> pd.DataFrame:
    """
    Conform a frame of a response to its contract.

    Raises:
        CarrierAnswerError: The frame violates its contract; the message names endpoint, column and value.
    """
    try:
        return schemas.conform(frame, schema, source=endpoint)
    except TableError as exc:
        raise CarrierAnswerError(f"The answer to {exc} Nothing was taken from it.") from exc
