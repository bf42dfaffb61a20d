"""HTTP endpoints of CDR exports: create, list, get, download."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

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
    only_json,
    page,
    refusals,
)
from dashboard.emulator.exports import LONGEST, EmulatedExports

router = APIRouter(default_response_class=ApiResponse, tags=["cdrs"])
PATH = "/v2/cdrs/exports"


def _plain(text: str) -> str:
    """Reject lone surrogates: JSON can contain them, but UTF-8 cannot encode them."""
    text.encode()
    return text


Plain = Annotated[str, AfterValidator(_plain)]
Texts = Annotated[list[Plain], Field(min_length=1, max_length=200)]
"""Values of a filter; an empty list is rejected, because it could mean either nothing or everything."""


def _written(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("Write the time as text, such as 2026-01-31 00:00:00")  # noqa: TRY004 - pydantic turns this into 422
    return value


def _address(value: str) -> str:
    return str(IPv4Address(value))


Moment = Annotated[datetime, BeforeValidator(_written, json_schema_input_type=str)]


class JobStatus(StrEnum):
    """Status of a job."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Filters(BaseModel):
    """Filters of an export. An unknown filter is an error, never ignored."""

    model_config = ConfigDict(extra="forbid")

    start_call_start_time: Moment
    start_call_end_time: Moment
    number_aliases: Texts | None = None
    number_aliases_contains: Texts | None = None
    destination_numbers: Texts | None = None
    callerid_numbers: Texts | None = None
    custom_x_tags: Texts | None = None
    custom_x_tag: Texts | None = None
    caller_ip: Annotated[str, AfterValidator(_address)] | None = None
    duration_greater_than: float | None = Field(default=None, ge=0, le=10**9)


class ExportShown(Exact):
    """Attributes of a job in a response; money is text, and values that are not yet known are null."""

    status: JobStatus
    callback_url: str | None
    requested_at: str
    created_at: str
    download_url: str | None
    expires_at: str | None
    total_cost: str | None
    call_subtotal: str | None
    connect_fees: str | None
    cnamlookup_fees: str | None
    usf_fees: str | None
    ccrf: str | None
    num_calls: int | None
    billed_minutes: int | None
    filter_parameters: dict[str, Any]


class ExportAttributes(BaseModel):
    """Attributes of an export to create."""

    filter_parameters: Filters
    callback_url: Plain | None = None


class ExportData(BaseModel):
    """Resource of an export to create."""

    type: str = Field(pattern="^cdrexport$")
    attributes: ExportAttributes


class NewExport(BaseModel):
    """Request body that creates an export."""

    data: ExportData


def exports_of(request: Request) -> EmulatedExports:
    """Return the export jobs of the emulator that handles the request."""
    exports: EmulatedExports = request.app.state.exports
    return exports


Jobs = Annotated[EmulatedExports, Depends(exports_of)]
Number = Annotated[int, Path(ge=0, le=2**53, description="The job's id.")]


@router.post(
    PATH,
    response_model=None,
    status_code=201,
    dependencies=[Depends(only_json)],
    responses={201: {"model": Document[ExportShown]}, **refusals(400, 401, 415, 422, 429, 503)},
)
def create_export(new: NewExport, request: Request, jobs: Jobs, _account: Account) -> ApiResponse:
    """Create an export of the calls that start in [start, end)."""
    requested = new.data.attributes.filter_parameters
    try:
        begin = _utc(requested.start_call_start_time)
        end = _utc(requested.start_call_end_time)
    except OverflowError:
        raise Refused(422, "start_call_start_time: The times are out of range.") from None
    if end <= begin:
        raise Refused(422, "start_call_end_time: It has to be later than start_call_start_time.")
    if end - begin > LONGEST:
        raise Refused(422, f"start_call_end_time: An export spans at most {LONGEST.days} days.")
    filters = requested.model_dump(exclude_none=True) | {
        "start_call_start_time": begin.isoformat(timespec="seconds"),
        "start_call_end_time": end.isoformat(timespec="seconds"),
    }
    job = jobs.create(filters, new.data.attributes.callback_url)
    item = _item(job, request, jobs)
    return ApiResponse({"data": item | {"id": str(item["id"])}}, status_code=201)


@router.get(
    PATH,
    response_model=None,
    responses={200: {"model": Listing[Document[ExportShown]]}, **refusals(401, 422, 429, 503)},
)
def list_exports(
    request: Request,
    jobs: Jobs,
    _account: Account,
    status: Annotated[JobStatus | None, Query(description="Only jobs in this state.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> ApiResponse:
    """List the jobs, newest first, each nested in ``data`` as in the vendor's sample."""
    page_jobs = jobs.listed(str(status or ""), limit, offset)
    items = [{"data": _item(job, request, jobs)} for job in page_jobs[:limit]]
    return ApiResponse(page(PATH, items, limit, offset, has_more=len(page_jobs) > limit))


@router.get(
    f"{PATH}/{{number}}",
    response_model=None,
    responses={200: {"model": Document[ExportShown]}, **refusals(401, 404, 422, 429, 503)},
)
def get_export(number: Number, request: Request, jobs: Jobs, _account: Account) -> ApiResponse:
    """Return a job, with its link once it is completed."""
    job = jobs.get(number)
    if job is None:
        raise Refused(404, f"The account has no export {number}.")
    return ApiResponse({"data": _item(job, request, jobs)})


@router.get("/exports/{number}.gz", response_model=None, include_in_schema=False)
def download(number: Number, jobs: Jobs, expires: int = 0, signature: str = "") -> Response:
    """Return the file of a valid, unexpired link; no API key is required."""
    path = jobs.file(number, expires, signature)
    if path is None:
        return Response(
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
            status_code=403,
            media_type="application/xml",
        )
    return FileResponse(path, media_type="application/gzip")


def _utc(moment: datetime) -> datetime:
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC).replace(microsecond=0)


def _item(job: dict[str, Any], request: Request, jobs: EmulatedExports) -> dict[str, Any]:
    attributes = {key: value for key, value in job.items() if key != "id"}
    if job["status"] == JobStatus.COMPLETED:
        link = jobs.link(job["id"], datetime.fromisoformat(job["expires_at"]))
        attributes["download_url"] = f"{str(request.base_url).rstrip('/')}{link}"
    return {
        "type": "cdrexport",
        "id": job["id"],
        "attributes": attributes,
        "links": {"self": f"{INTERNAL}{PATH}/{job['id']}"},
    }
