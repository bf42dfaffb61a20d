"""
Responses of the emulator: JSON:API documents, error objects, authentication, pagination.

Formats, codes and the media type follow the vendor's published pages; ``links`` contain an internal host,
as in the vendor's own CDR sample, so that a client that follows them fails.
"""

from __future__ import annotations

import json
import secrets
import uuid
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, ConfigDict, model_validator
from starlette.exceptions import HTTPException as StarletteHTTPException

from dashboard.emulator.database import Database

MEDIA_TYPE = "application/vnd.api+json"
INTERNAL = "http://cdr-api"
"""Origin of the links, which is unreachable from outside the carrier."""

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
DEFAULT_LIMIT = 10
MOST = 200
MOST_OFFSET = 2**53


class ApiError(BaseModel):
    """One error object."""

    id: str
    status: int
    title: str
    detail: str


class Faults(BaseModel):
    """Body of an error response."""

    errors: list[ApiError]


class Exact(BaseModel):
    """Base of response models that allow no other fields."""

    model_config = ConfigDict(extra="forbid")


Told = TypeVar("Told", bound=BaseModel)
Item = TypeVar("Item", bound=BaseModel)


class Identity(Exact):
    """Resource identifier."""

    type: str
    id: str


class Relationship(Exact):
    """Relationship of a resource to another one."""

    data: Identity | None


class Resource(Exact, Generic[Told]):
    """One resource; the id of an export job is an integer, except in the response that creates it."""

    type: str
    id: str | int
    attributes: Told
    relationships: dict[str, Relationship] = {}
    links: dict[str, str] = {}


class Document(Exact, Generic[Told]):
    """JSON:API document with one resource."""

    data: Resource[Told]
    included: list[Resource[Any]] = []
    links: dict[str, str] = {}


class Listing(Exact, Generic[Item]):
    """JSON:API document with one page of a list."""

    data: list[Item]
    links: dict[str, str]


class Strict(BaseModel):
    """Request body; JSON inside a JSON string, as the vendor's SDK sends it, is unpacked."""

    model_config = ConfigDict(extra="ignore", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _unpacked(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value


class ApiResponse(JSONResponse):
    """JSON response with the vendor's media type."""

    media_type = MEDIA_TYPE


def refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Describe error responses for the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Faults"}}}
    return {code: {"description": TITLES[code], "model": Faults, "content": content} for code in codes}


def refuse(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error response with one error object."""
    fault = ApiError(id=str(uuid.uuid4()), status=status, title=TITLES.get(status, "Error"), detail=detail)
    return ApiResponse({"errors": [fault.model_dump()]}, status_code=status, headers=headers)


class Refused(HTTPException):
    """Exception that ends a request with one error object."""


basic = HTTPBasic(auto_error=False)


def authenticated(request: Request, credentials: Annotated[HTTPBasicCredentials | None, Depends(basic)]) -> Database:
    """
    Verify the API key of a request, and return the account's database.

    Raises:
        Refused: The key is missing or wrong.
    """
    state = request.app.state
    good = credentials is not None and (
        secrets.compare_digest(credentials.username.encode(), state.access_key.encode())
        & secrets.compare_digest(credentials.password.encode(), state.secret_key.encode())
    )
    if not good:
        raise Refused(
            401, "The access key or the secret key is not this account's.", {"WWW-Authenticate": 'Basic realm="api"'}
        )
    database: Database = state.database
    return database


Account = Annotated[Database, Depends(authenticated)]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items of the page.")]
Offset = Annotated[int, Query(ge=0, le=MOST_OFFSET, description="Items to pass over.")]


def only_json(request: Request, _account: Account) -> None:
    """
    Reject a body whose content type is not JSON; without a content type, as the vendor's SDK sends it, JSON is assumed.

    Raises:
        Refused: The content type is not JSON.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind and kind not in (MEDIA_TYPE, "application/json"):
        raise Refused(415, f"Send the body as {MEDIA_TYPE}.")


def page(path: str, items: list[dict[str, Any]], limit: int, offset: int, *, has_more: bool) -> dict[str, Any]:
    """Return a list document; it has the link ``next`` only if more items follow."""
    links = {"self": f"{INTERNAL}{path}?limit={limit}&offset={offset}"}
    if has_more:
        links["next"] = f"{INTERNAL}{path}?limit={limit}&offset={offset + limit}"
    return {"data": items, "links": links}


def speak_json_api(app: FastAPI) -> None:
    """Install handlers that return the framework's errors as error objects in the carrier's format."""

    async def refused(_request: Request, exc: Exception) -> Response:
        if not isinstance(exc, StarletteHTTPException):
            raise exc
        return refuse(exc.status_code, str(exc.detail), dict(exc.headers or {}))

    async def invalid(request: Request, exc: Exception) -> Response:
        if not isinstance(exc, RequestValidationError):
            raise exc
        try:  # FastAPI rejects a body that is not JSON before it verifies the key
            authenticated(request, await basic(request))
        except StarletteHTTPException as unknown:
            return await refused(request, unknown)
        first = exc.errors()[0]
        location = ".".join(str(part) for part in first["loc"])
        status = 400 if first["type"].startswith("json") else 422
        return refuse(status, f"{location}: {first['msg']}.")

    async def stumbled(_request: Request, _exc: Exception) -> Response:
        return refuse(500, "The server stumbled.")

    app.add_exception_handler(Exception, stumbled)
    app.add_exception_handler(StarletteHTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
