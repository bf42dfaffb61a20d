"""Current and past ownership of addresses according to the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import pandas as pd

from dashboard.core.address_index import AddressIndex
from dashboard.core.addresses import membership, parse_entry
from dashboard.core.errors import AddressError
from dashboard.core.text import join
from dashboard.domain.changes import AllowAddress, RemoveAddress
from dashboard.domain.snapshot import Age, Snapshot, members

Row = Mapping[str, Any]
"""A row of a frame: values by column name."""

EMPTY_LIST = "Outbound Allowed IPs is empty, so no call is admitted by its address."
RETIRED = "retired"
STANDBY = "standby"


class Need(StrEnum):
    """Reason why a PBX needs SIP credentials, as the end of a sentence that begins with its name."""

    DYNAMIC = "has a dynamic address"
    NO_PREFIX = "does not dial the tech prefix"
    SIGNS_IN = "authenticates with credentials"
    PROOF = "could do without them if it dials the tech prefix, which the inventory does not say"
    LIST = "could do without them if its address is listed, which is not known"
    LISTING = "could do without them once its address is listed"
    LISTING_AND_PROOF = "could do without them once its address is listed, if it dials the tech prefix"
    NONE = "could do without them"


FIRST = {
    Need.DYNAMIC: "give {names} a static address and add it to the list",
    Need.NO_PREFIX: "have {names} dial the tech prefix",
    Need.SIGNS_IN: "change {names} to IP authentication",
}
"""Step after which a PBX no longer needs credentials, by the reason why it needs them."""
CANNOT_DO_WITHOUT = tuple(FIRST)
NOT_READY = (Need.PROOF, Need.LIST, Need.LISTING, Need.LISTING_AND_PROOF)
"""
Needs that end once the list is read or changed, or the inventory is completed.

Until then, turning off credentials could cut off the PBX.
"""


def live(snapshot: Snapshot) -> pd.DataFrame:
    """Return the PBXs that are not retired."""
    return snapshot.pbxs[snapshot.pbxs["status"] != RETIRED]


def current(snapshot: Snapshot) -> pd.DataFrame:
    """Return the current addresses of PBXs that are not retired, joined with the rows of their PBXs."""
    rows = snapshot.addresses_now
    return rows.merge(live(snapshot), on="pbx_id", suffixes=("", "_of_pbx"))


def ever(snapshot: Snapshot) -> pd.DataFrame:
    """Return all rows of addresses, including past ones and those of retired PBXs, latest first."""
    return snapshot.egress.sort_values("valid_to", ascending=False, na_position="first", kind="stable")


class AddressOwners:
    """Current and past owners of the addresses of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.now = AddressIndex((row["address"], row) for row in _records(snapshot.memoize(current)))
        """Index of current addresses, from ``current``."""
        self.ever = AddressIndex((row["address"], row) for row in _records(ever(snapshot)))
        """Index of all current and past addresses, latest first."""
        self.kinds = {row["pbx_id"]: str(row["ip_kind"]) for row in _records(live(snapshot))}
        """``static`` or ``dynamic`` by id of PBXs that are not retired."""
        self._moved_to = snapshot.memoize(current).drop_duplicates("pbx_id").set_index("pbx_id")["address"].to_dict()
        self._snapshot = snapshot

    def owner_change_text(self, network: str) -> str:
        """Return text on the last owner of an address: it was retired, it moved, or there never was one."""
        past = self.ever.of(network)
        if not past:
            return "is on the list and belongs to no PBX of the inventory"
        pbx_id = past[0]["pbx_id"]
        ended = past[0]["valid_to"]
        until = "" if ended is pd.NaT else f" on {ended:%Y-%m-%d}"
        if pbx_id in self.kinds:
            to = f" for {self._moved_to[pbx_id]}" if pbx_id in self._moved_to else ""
            return f"is still on the list, though the PBX left it{until}{to}"
        return f"is still on the list, though the PBX was retired{until}"

    def last(self, network: str) -> tuple[str, ...]:
        """Return the ids of the PBXs that last left an address; several if they shared it until the end."""
        past = self.ever.of(network)
        end = past[0]["valid_to"] if past else None
        last_rows = [row for row in past if row["address"] == past[0]["address"] and row["valid_to"] == end]
        return ids(last_rows or past[:1])

    def kind(self, pbx_id: str) -> str:
        """Return ``static`` if any of the PBXs is static, else ``dynamic``; ``""`` if none is in use."""
        kinds = {self.kinds.get(member, "") for member in members(pbx_id)}
        return next((kind for kind in ("static", "dynamic") if kind in kinds), "")

    def next_step(self, address: str, pbx_ids: tuple[str, ...]) -> str:
        """Return advice on calls of PBXs in use from another address; ``""`` if it is theirs or cannot be listed."""
        live = [pbx_id for pbx_id in pbx_ids if pbx_id in self.kinds]
        if not live or fault(self._snapshot, address) or set(live) & set(ids(self.now.of(address))):
            return ""
        names = join(map(self._snapshot.name_of, live), None, last="or")
        return (
            f" If {address} is an address of {names}, add it on the page Inventory, and this check offers to allow it."
        )

    def allow(self, address: str, owners: tuple[str, ...]) -> tuple[AllowAddress, ...]:
        """
        Return the change that adds an address to the list; its label names every PBX that calls from it now.

        Returns:
            Empty if the address is not a current address of the owners, or cannot be listed.
        """
        rows = self.now.of(address)
        if not set(owners) & set(ids(rows)) or fault(self._snapshot, address):
            return ()
        names = join((self._snapshot.name_of(pbx_id) for pbx_id in ids(rows)), None)
        return (
            AllowAddress(
                network=address,
                label=names,
                owner=join((dict.fromkeys(str(row["owner"]) for row in rows if row["owner"])), None),
                purpose=f"Outbound calls of {names}",
                role="standby" if all(map(is_spare, rows)) else "active",
            ),
        )


def _records(rows: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def ids(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the distinct PBX ids of rows, in their order."""
    return tuple(dict.fromkeys(str(row["pbx_id"]) for row in rows))


def fault(snapshot: Snapshot, address: str) -> str:
    """Return a sentence on why an address cannot be listed; ``""`` if it can."""
    try:
        parse_entry(address, public_ranges=snapshot.treated_as_public)
    except AddressError as exc:
        return str(exc)
    return ""


def remove(entry: Row) -> RemoveAddress:
    """Return the change that removes an entry from the list and contains its whole row."""
    texts = {name: str(entry[name]) for name in ("network", "label", "owner", "purpose", "role", "added_by")}
    review_by = "" if entry["review_by"] is pd.NaT else entry["review_by"].isoformat()
    return RemoveAddress(**texts, review_by=review_by)


def is_spare(row: Row) -> bool:
    """Return whether a current address is a reserve: it belongs to a standby PBX, or is for failover."""
    return bool(row["status"] == STANDBY or row["kind"] == "failover")


def entries(snapshot: Snapshot) -> list[Row]:
    """Return the entries of the list, in the order of the list."""
    return _records(snapshot.allowed_ips)


def needs_of_credentials(snapshot: Snapshot, statuses: Sequence[str] = ("active",)) -> dict[str, Need]:
    """Return why each PBX with one of the statuses needs SIP credentials, according to the inventory and the list."""
    active = snapshot.pbxs[snapshot.pbxs["status"].isin(statuses)]
    addresses = snapshot.memoize(current)
    listed = membership(snapshot.policy.networks, addresses["address"])
    ready = set(addresses["pbx_id"]) - set(addresses.loc[~listed, "pbx_id"])
    needs = {str(pbx["pbx_id"]): _need(pbx, listed=pbx["pbx_id"] in ready) for pbx in _records(active)}
    if snapshot.age("allowed_ips") is not Age.MISSING:
        return needs
    unread = {Need.LISTING: Need.LIST, Need.LISTING_AND_PROOF: Need.PROOF}
    return {pbx_id: unread.get(pbx_need, pbx_need) for pbx_id, pbx_need in needs.items()}


def _need(pbx: Row, *, listed: bool) -> Need:
    if pbx["ip_kind"] == "dynamic":
        return Need.DYNAMIC
    if pbx["dials_prefix"] == "no":
        return Need.NO_PREFIX
    if pbx["auth_method"] == "credentials":
        return Need.SIGNS_IN
    if pbx["dials_prefix"] != "yes":
        return Need.PROOF if listed else Need.LISTING_AND_PROOF
    return Need.NONE if listed else Need.LISTING


def before_switching_off(snapshot: Snapshot, need: Mapping[str, Need]) -> str:
    """Return a sentence with the steps required before credentials can be turned off without cutting off a PBX."""
    steps = []
    for unmet, step in FIRST.items():
        names = [snapshot.name_of(pbx_id) for pbx_id, its in need.items() if its is unmet]
        steps += [step.format(names=join(names, None))] if names else []
    return f"Before they are turned off: {'; '.join(steps)}."
