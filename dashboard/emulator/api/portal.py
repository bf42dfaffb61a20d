"""
``/portal``: the settings that the real carrier offers only as portal pages; only the emulator has this API.

It covers Outbound Allowed IPs, the credential switch, the emulated behavior where the real carrier's is unknown, the
sample's inventory, and the faults.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard.core.addresses import parse_entry
from dashboard.core.errors import AddressError
from dashboard.emulator.api.faults import FaultBox, Switches
from dashboard.emulator.api.responses import Account, Refused, only_json, refusals
from dashboard.emulator.database import stamp

router = APIRouter(prefix="/portal", tags=["portal"])
MOST_TEXT = 200


class AccountChange(BaseModel):
    """Changes of the account's settings; omitted fields stay unchanged."""

    model_config = ConfigDict(extra="forbid", strict=True)

    credentials_enabled: bool | None = None
    refusals_in_cdrs: bool | None = None
    digest_rescues_prefix: bool | None = None
    no_path_status: int | None = Field(default=None, ge=400, le=699)
    tech_prefix: str | None = Field(default=None, pattern="^[0-9]{8}$")


class EmulatedEntry(BaseModel):
    """An entry of Outbound Allowed IPs."""

    model_config = ConfigDict(extra="forbid")

    network: str = Field(max_length=60)
    label: str = Field(default="", max_length=MOST_TEXT)
    owner: str = Field(default="", max_length=MOST_TEXT)
    purpose: str = Field(default="", max_length=MOST_TEXT)
    role: str = Field(default="active", pattern="^(active|standby|)$")
    review_by: str = Field(default="", max_length=40)
    added_by: str = Field(default="portal", max_length=MOST_TEXT)


class ListedEntry(EmulatedEntry):
    """An entry on the list, with the time when it was added."""

    added_at: str


class AllowList(BaseModel):
    """Response with Outbound Allowed IPs and the time of the last change."""

    changed_at: str
    entries: list[ListedEntry]


class AccountSettings(BaseModel):
    """The account's settings; times are ISO 8601 UTC with microseconds."""

    tech_prefix: str
    credentials_enabled: bool
    credentials_changed_at: str
    created_at: str
    sample: bool
    refusals_in_cdrs: bool
    digest_rescues_prefix: bool
    no_path_status: int
    public_ranges: list[str]


class EmulatedInventory(BaseModel):
    """Rows of three frames and of the entries removed from the list, as text."""

    pbxs: list[dict[str, str]] = []
    pbx_addresses: list[dict[str, str]] = []
    pbx_numbers: list[dict[str, str]] = []
    past_allowed_ips: list[dict[str, str]] = []


def _refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Describe error responses, which have the API's media type although the portal's responses are plain JSON."""
    return {code: {**answer, "model": None} for code, answer in refusals(*codes).items()}


@router.get("/account", responses=_refusals(401))
def get_account(account: Account) -> AccountSettings:
    """Return the account's settings."""
    settings = account.settings()
    return AccountSettings(
        tech_prefix=settings.tech_prefix,
        credentials_enabled=settings.credentials_enabled,
        credentials_changed_at=settings.credentials_changed_at.isoformat(timespec="microseconds"),
        created_at=settings.created_at.isoformat(timespec="microseconds"),
        sample=settings.sample,
        refusals_in_cdrs=settings.refusals_in_cdrs,
        digest_rescues_prefix=settings.digest_rescues_prefix,
        no_path_status=settings.no_path_status,
        public_ranges=list(settings.public_ranges),
    )


@router.patch("/account", dependencies=[Depends(only_json)], responses=_refusals(400, 401, 415, 422))
def change_account(change: AccountChange, account: Account) -> AccountSettings:
    """Change the credential switch, the tech prefix, or the emulated behavior."""
    account.change(change.model_dump(exclude_none=True))
    return get_account(account)


@router.get("/allowed-ips", responses=_refusals(401))
def list_allowed_ips(account: Account) -> AllowList:
    """Return Outbound Allowed IPs and the time of the last change."""
    rows = account.rows("SELECT * FROM allowed_ips ORDER BY added_at, network")
    changed_at = account.settings().list_changed_at.isoformat(timespec="microseconds")
    return AllowList(changed_at=changed_at, entries=[ListedEntry(**dict(row)) for row in rows])


@router.post(
    "/allowed-ips", status_code=201, dependencies=[Depends(only_json)], responses=_refusals(400, 401, 409, 415, 422)
)
def allow(entry: EmulatedEntry, account: Account) -> ListedEntry:
    """Add a single public IPv4 address to the list."""
    try:
        network = parse_entry(entry.network, public_ranges=account.settings().public_ranges)
    except AddressError as exc:
        raise Refused(422, f"network: {exc}") from None
    row = entry.model_dump() | {"network": network}
    try:
        with account.writing() as connection:
            now = stamp()
            connection.execute(
                "INSERT INTO allowed_ips (network, label, owner, purpose, role, review_by, added_by, added_at) "
                "VALUES (:network, :label, :owner, :purpose, :role, :review_by, :added_by, :added_at)",
                row | {"added_at": now},
            )
            connection.execute("UPDATE account SET value = ? WHERE key = 'list_changed_at'", (now,))
    except sqlite3.IntegrityError:
        raise Refused(409, f"network: {network} is on the list already.") from None
    return ListedEntry(**row, added_at=now)


@router.delete("/allowed-ips/{network:path}", status_code=204, responses=_refusals(401, 404, 422))
def remove(network: Annotated[str, Path(max_length=60)], account: Account) -> Response:
    """Remove an entry from the list; it may be a network, which the list accepted in the past."""
    with account.writing() as connection:
        removed_count = connection.execute("DELETE FROM allowed_ips WHERE network = ?", (network,)).rowcount
        if removed_count:
            connection.execute("UPDATE account SET value = ? WHERE key = 'list_changed_at'", (stamp(),))
    if not removed_count:
        raise Refused(404, f"{network} is not on the list.")
    return Response(status_code=204)


@router.get("/inventory", responses=_refusals(401))
def inventory(account: Account) -> EmulatedInventory:
    """Return the sample's PBXs, addresses, numbers and removed entries, for import into a new home."""
    frames: dict[str, list[dict[str, Any]]] = {name: [] for name in EmulatedInventory.model_fields}
    for row in account.rows("SELECT frame, row FROM inventory ORDER BY rowid"):
        frames[row["frame"]].append(json.loads(row["row"]))
    return EmulatedInventory(**frames)


@router.get("/faults", responses=_refusals(401))
def get_faults(request: Request, _account: Account) -> Switches:
    """Return the fault switches."""
    return _box(request).switches


@router.patch("/faults", dependencies=[Depends(only_json)], responses=_refusals(400, 401, 415, 422))
def set_faults(switches: Switches, request: Request, _account: Account) -> Switches:
    """Change fault switches; omitted ones stay unchanged."""
    box = _box(request)
    box.set(box.switches.model_copy(update=switches.model_dump(exclude_unset=True)))
    return box.switches


@router.delete("/faults", status_code=204, responses=_refusals(401))
def reset_faults(request: Request, _account: Account) -> Response:
    """Switch all faults off."""
    _box(request).set(Switches())
    return Response(status_code=204)


def _box(request: Request) -> FaultBox:
    box: FaultBox = request.app.state.faults
    return box
