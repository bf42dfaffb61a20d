"""What the inventory says of addresses: whose they are, and whose they were."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import StrEnum

import pandas as pd

from dashboard.addresses import membership, parse_entry
from dashboard.changes import AllowAddress, RemoveAddress
from dashboard.errors import AddressError
from dashboard.snapshot import Snapshot

RETIRED = "retired"
STANDBY = "standby"


class Need(StrEnum):
    """Why a PBX needs SIP credentials, as the end of a sentence that begins with its name."""

    DYNAMIC = "has a dynamic address"
    NO_PREFIX = "does not dial the tech prefix"
    SIGNS_IN = "authenticates with credentials"
    PROOF = "could do without them if it dials the tech prefix, which the inventory does not say"
    LISTING = "could do without them once its address is listed"
    NONE = "could do without them"


CANNOT_DO_WITHOUT = (Need.DYNAMIC, Need.NO_PREFIX, Need.SIGNS_IN)


def live(snapshot: Snapshot) -> pd.DataFrame:
    """Return the PBXs that are not retired."""
    return snapshot.pbxs[snapshot.pbxs["status"] != RETIRED]


def current(snapshot: Snapshot) -> pd.DataFrame:
    """Return today's addresses of PBXs that are not retired, with what is known of their PBX."""
    rows = snapshot.addresses_at(snapshot.taken_at)
    return rows.merge(live(snapshot), on="pbx_id", suffixes=("", "_of_pbx"))


def within(rows: pd.DataFrame, network: str) -> pd.DataFrame:
    """Return the rows of ``current`` whose address is in a network."""
    return rows[membership([network], rows["address"])]


def ever(snapshot: Snapshot, network: str) -> pd.DataFrame:
    """Return every row of addresses in a network, past ones and those of retired PBXs too, the latest first."""
    rows = snapshot.pbx_addresses[membership([network], snapshot.pbx_addresses["address"])]
    return rows.sort_values("valid_to", ascending=False, na_position="first")


def ids(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the PBX ids of rows, each once, in their order."""
    return tuple(str(pbx_id) for pbx_id in rows["pbx_id"].drop_duplicates())


def fault(snapshot: Snapshot, address: str) -> str:
    """Return the sentence that says why an address cannot stand on the list; ``""`` where it can."""
    try:
        parse_entry(address, public_ranges=snapshot.treated_as_public)
    except AddressError as exc:
        return str(exc)
    return ""


def kind_of(snapshot: Snapshot, pbx_id: str) -> str:
    """Return ``static`` or ``dynamic`` for a PBX that is not retired; ``""`` for a retired one and for nobody."""
    rows = live(snapshot).loc[lambda pbxs: pbxs["pbx_id"] == pbx_id, "ip_kind"]
    return str(rows.iloc[0]) if len(rows) else ""


def allow(snapshot: Snapshot, address: str, owners: tuple[str, ...]) -> tuple[AllowAddress, ...]:
    """Return the change that lists an address; nothing where it is not one of the owners' today, or unfit."""
    rows = within(current(snapshot), address).loc[lambda found: found["pbx_id"].isin(owners)]
    if rows.empty or fault(snapshot, address):
        return ()
    spare = bool(is_spare(rows).all())
    names = " and ".join(snapshot.name_of(pbx_id) for pbx_id in ids(rows))
    return (
        AllowAddress(
            network=address,
            label=names,
            owner=str(rows["owner"].iloc[0]),
            purpose=f"Outbound calls of {names}",
            role="standby" if spare else "active",
        ),
    )


def remove(entry: pd.Series) -> RemoveAddress:
    """Return the change that takes an entry off the list and carries its whole row."""
    texts = {name: str(entry[name]) for name in ("network", "label", "owner", "purpose", "role", "added_by")}
    review_by = "" if pd.isna(entry["review_by"]) else entry["review_by"].isoformat()
    return RemoveAddress(**texts, review_by=review_by)


def is_spare(rows: pd.DataFrame) -> pd.Series[bool]:
    """Say of each address of ``current`` whether it is held in reserve: a standby PBX's, or for failover."""
    return (rows["status"] == STANDBY) | (rows["kind"] == "failover")


def became(snapshot: Snapshot, past: pd.DataFrame) -> str:
    """Write what became of the last owner of an address: retired, moved, or there never was one."""
    if past.empty:
        return "is on the list and belongs to no PBX of the inventory"
    owner = past.iloc[0]
    until = "" if pd.isna(owner["valid_to"]) else f" on {owner['valid_to']:%Y-%m-%d}"
    if kind_of(snapshot, str(owner["pbx_id"])):
        now = current(snapshot).loc[lambda rows: rows["pbx_id"] == owner["pbx_id"], "address"]
        return f"is still on the list, though the PBX left it{until}{f' for {now.iloc[0]}' if len(now) else ''}"
    return f"is still on the list, though the PBX was retired{until}"


def needs_of_credentials(snapshot: Snapshot) -> dict[str, Need]:
    """Return why each active PBX needs SIP credentials, as far as the inventory and the list tell."""
    active, addresses = snapshot.pbxs[snapshot.pbxs["status"] == "active"], current(snapshot)
    listed = membership(snapshot.policy.networks, addresses["address"])
    ready = set(addresses["pbx_id"]) - set(addresses.loc[~listed, "pbx_id"])
    return {str(pbx["pbx_id"]): _need(pbx, listed=pbx["pbx_id"] in ready) for pbx in active.to_dict("records")}


def _need(pbx: Mapping[Hashable, str], *, listed: bool) -> Need:
    if pbx["ip_kind"] == "dynamic":
        return Need.DYNAMIC
    if pbx["dials_prefix"] == "no":
        return Need.NO_PREFIX
    if pbx["auth_method"] == "credentials":
        return Need.SIGNS_IN
    if pbx["dials_prefix"] != "yes":
        return Need.PROOF
    return Need.NONE if listed else Need.LISTING
