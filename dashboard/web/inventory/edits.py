"""Edits of the inventory: each gives whole frames, judged by the rules of an import before they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard.core.errors import InputError
from dashboard.core.text import label_of
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx.sources import FRAMES, read_edit

Frames = Mapping[str, pd.DataFrame]
SECOND = pd.Timedelta(seconds=1)


def with_pbx(snapshot: Snapshot, row: Mapping[str, Any], *, replaces: str = "") -> Frames:
    """
    Add a PBX, or change one.

    Args:
        snapshot: The inventory as it stands.
        row: Every column of PBXS, as typed.
        replaces: Id of the PBX that is changed; a new one when empty.

    Raises:
        InputError: A rule of the inventory is broken; it is said as a sentence.
    """
    pbxs = snapshot.pbxs.astype(object)
    if not replaces and str(row["pbx_id"]).strip() in set(pbxs["pbx_id"]):
        raise InputError(f"The id {row['pbx_id']} belongs to {snapshot.name_of(str(row['pbx_id']))} already.")
    new = pd.DataFrame([{column: str(row[column]).strip() for column in map(str, pbxs)}], dtype=object)
    if replaces:
        pbxs.loc[pbxs["pbx_id"] == replaces, :] = new.iloc[0].to_list()
    else:
        pbxs = pd.concat([pbxs, new], ignore_index=True)
    return settled(snapshot, pbxs=pbxs)


def with_address(
    snapshot: Snapshot, *, pbx_id: str, address: str, kind: str, now: datetime, shared: bool = False
) -> Frames:
    """
    Add an address that a PBX calls from, as of now.

    Args:
        snapshot: The inventory as it stands.
        pbx_id: Whose it is.
        address: As typed.
        kind: ``primary`` or ``failover``.
        now: UTC.
        shared: Other PBXs may call from it too, behind the same NAT.

    Raises:
        InputError: It is no single public IPv4 address, this PBX calls from it already, or another PBX does and it
            is not declared as shared.
    """
    current = snapshot.addresses_at(now)
    told = current["source"] != "configured"
    taken = current.loc[told & (current["address"] == address.strip()), "pbx_id"]
    if pbx_id in set(taken):
        raise InputError(f"{address.strip()} is in use by {snapshot.name_of(pbx_id)} already.")
    if len(taken) and not shared:
        raise InputError(
            f"{address.strip()} is in use by {snapshot.name_of(str(taken.iloc[0]))} already. End it there first, or, "
            "where both PBXs are behind the same NAT, tick that it is shared."
        )
    row = {"pbx_id": pbx_id, "address": address.strip(), "kind": kind, "source": "declared", "valid_from": now}
    rows = pd.concat([snapshot.pbx_addresses.astype(object), pd.DataFrame([row], dtype=object)], ignore_index=True)
    return settled(snapshot, pbx_addresses=rows)


def without_address(snapshot: Snapshot, *, pbx_id: str, address: str, now: datetime) -> Frames:
    """
    End an address as of now; the row stays, because past calls came from it.

    One that was added within this second ends with the next: times are kept in whole seconds.
    """
    rows = snapshot.pbx_addresses.copy()
    mine = (rows["pbx_id"] == pbx_id) & (rows["address"] == address) & rows["valid_to"].isna()
    begun = rows.loc[mine, "valid_from"].max()
    rows.loc[mine, "valid_to"] = max(pd.Timestamp(now), begun + SECOND) if pd.notna(begun) else pd.Timestamp(now)
    return settled(snapshot, pbx_addresses=rows)


def with_numbers(snapshot: Snapshot, *, pbx_id: str, text: str) -> Frames:
    """
    Set the numbers that a PBX should receive.

    Args:
        snapshot: The inventory as it stands.
        pbx_id: Whose numbers.
        text: One number a line, in any common form.

    Raises:
        InputError: A line is no number, or it belongs to another PBX.
    """
    others = snapshot.pbx_numbers[snapshot.pbx_numbers["pbx_id"] != pbx_id]
    typed = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
    mine = pd.DataFrame({"pbx_id": [pbx_id] * len(typed), "number": list(typed)}, dtype=object)
    return settled(snapshot, pbx_numbers=pd.concat([others.astype(object), mine], ignore_index=True))


def settled(snapshot: Snapshot, **edited: pd.DataFrame) -> Frames:
    """
    Judge the whole inventory with some of its frames edited.

    Returns:
        The conformed frames that were edited.

    Raises:
        InputError: Something is not as it must be; the first thing is said, and how many more there are.
    """
    whole = {name: edited.get(name, getattr(snapshot, name)) for name in FRAMES}
    found = read_edit(whole, snapshot.treated_as_public)
    if found.problems:
        own = [problem for problem in found.problems if problem.file in edited] or found.problems
        first, more = own[0], len(own) - 1
        column = f"{label_of(first.column)}: " if first.column else ""
        raise InputError(f"{column}{first.message}{f' And {more} more.' if more else ''} Nothing was saved.")
    return {name: found.frames[name] for name in edited}
