"""
``/portal``: the settings that the real carrier has only as portal pages, for this emulator alone.

Outbound Allowed IPs, the credential switch, how the carrier behaves where that is not known, the sample's
inventory, and the faults.
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
    """What may be set of the account; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    credentials_enabled: bool | None = None
    refusals_in_cdrs: bool | None = None
    digest_rescues_prefix: bool | None = None
    no_path_status: int | None = Field(default=None, ge=400, le=699)
    tech_prefix: str | None = Field(default=None, pattern="^[0-9]{8}$")


class PortalEntry(BaseModel):
    """An entry of Outbound Allowed IPs."""

    model_config = ConfigDict(extra="forbid")

    network: str = Field(max_length=60)
    label: str = Field(default="", max_length=MOST_TEXT)
    owner: str = Field(default="", max_length=MOST_TEXT)
    purpose: str = Field(default="", max_length=MOST_TEXT)
    role: str = Field(default="active", pattern="^(active|standby|)$")
    review_by: str = Field(default="", max_length=40)
    added_by: str = Field(default="portal", max_length=MOST_TEXT)


class ListedEntry(PortalEntry):
    """An entry as it stands on the list."""

    added_at: str


class AllowList(BaseModel):
    """Outbound Allowed IPs."""

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


class PortalInventory(BaseModel):
    """The rows of three frames and of the entries that were removed from the list, as text."""

    pbxs: list[dict[str, str]] = []
    pbx_addresses: list[dict[str, str]] = []
    pbx_numbers: list[dict[str, str]] = []
    past_allowed_ips: list[dict[str, str]] = []


def _refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Describe error answers, which have the API's media type although the portal's answers are plain JSON."""
    return {code: {**answer, "model": None} for code, answer in refusals(*codes).items()}


@router.get("/account", responses=_refusals(401))
def get_account(account: Account) -> AccountSettings:
    """Return the account's settings."""
    found = account.settings()
    return AccountSettings(
        tech_prefix=found.tech_prefix,
        credentials_enabled=found.credentials_enabled,
        credentials_changed_at=found.credentials_changed_at.isoformat(timespec="microseconds"),
        created_at=found.created_at.isoformat(timespec="microseconds"),
        sample=found.sample,
        refusals_in_cdrs=found.refusals_in_cdrs,
        digest_rescues_prefix=found.digest_rescues_prefix,
        no_path_status=found.no_path_status,
        public_ranges=list(found.public_ranges),
    )


@router.patch("/account", dependencies=[Depends(only_json)], responses=_refusals(400, 401, 415, 422))
def change_account(change: AccountChange, account: Account) -> AccountSettings:
    """Set the credential switch, or how this carrier behaves."""
    account.change(change.model_dump(exclude_none=True))
    return get_account(account)


@router.get("/allowed-ips", responses=_refusals(401))
def list_allowed_ips(account: Account) -> AllowList:
    """Return Outbound Allowed IPs and when it last changed."""
    rows = account.rows("SELECT * FROM allowed_ips ORDER BY added_at, network")
    changed_at = account.settings().list_changed_at.isoformat(timespec="microseconds")
    return AllowList(changed_at=changed_at, entries=[ListedEntry(**dict(row)) for row in rows])


@router.post(
    "/allowed-ips", status_code=201, dependencies=[Depends(only_json)], responses=_refusals(400, 401, 409, 415, 422)
)
def allow(entry: PortalEntry, account: Account) -> ListedEntry:
    """Put a single public IPv4 address on the list."""
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
    """Take an entry off the list; it may be a network, which the list took in the past."""
    with account.writing() as connection:
        gone = connection.execute("DELETE FROM allowed_ips WHERE network = ?", (network,)).rowcount
        if gone:
            connection.execute("UPDATE account SET value = ? WHERE key = 'list_changed_at'", (stamp(),))
    if not gone:
        raise Refused(404, f"{network} is not on the list.")
    return Response(status_code=204)


@router.get("/inventory", responses=_refusals(401))
def inventory(account: Account) -> PortalInventory:
    """Return the sample's PBXs, addresses, numbers and removed entries, to fill a fresh home."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in PortalInventory.model_fields}
    for row in account.rows("SELECT frame, row FROM inventory ORDER BY rowid"):
        found[row["frame"]].append(json.loads(row["row"]))
    return PortalInventory(**found)


@router.get("/faults", responses=_refusals(401))
def get_faults(request: Request, _account: Account) -> Switches:
    """Return which faults are on."""
    return _box(request).switches


@router.patch("/faults", dependencies=[Depends(only_json)], responses=_refusals(400, 401, 415, 422))
def set_faults(switches: Switches, request: Request, _account: Account) -> Switches:
    """Switch faults; what is left out stays as it is."""
    box = _box(request)
    box.set(box.switches.model_copy(update=switches.model_dump(exclude_unset=True)))
    return box.switches


@router.delete("/faults", status_code=204, responses=_refusals(401))
def reset_faults(request: Request, _account: Account) -> Response:
    """Switch every fault off."""
    _box(request).set(Switches())
    return Response(status_code=204)


def _box(request: Request) -> FaultBox:
    box: FaultBox = request.app.state.faults
    return box
