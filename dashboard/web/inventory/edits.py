"""Edits of the inventory: each returns whole frames, validated by the rules of an import before they are saved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard.core.errors import InputError
from dashboard.core.text import label_of
from dashboard.domain.snapshot import Snapshot
from dashboard.pbx import EDITABLE_FRAMES, read_edit

Frames = Mapping[str, pd.DataFrame]
SECOND = pd.Timedelta(seconds=1)


def with_pbx(snapshot: Snapshot, row: Mapping[str, Any], *, replaces: str = "") -> Frames:
    """
    Add or change a PBX.

    Args:
        snapshot: The current inventory.
        row: Every column of PBXS, as typed.
        replaces: Id of the PBX to change; empty to add one.

    Raises:
        InputError: The row violates a rule of the inventory; the message is a sentence.
    """
    pbxs = snapshot.pbxs.astype(object)
    if not replaces and str(row["pbx_id"]).strip() in set(pbxs["pbx_id"]):
        raise InputError(f"The id {row['pbx_id']} belongs to {snapshot.name_of(str(row['pbx_id']))} already.")
    new = pd.DataFrame([{column: str(row[column]).strip() for column in map(str, pbxs)}], dtype=object)
    if replaces:
        pbxs.loc[pbxs["pbx_id"] == replaces, :] = new.iloc[0].to_list()
    else:
        pbxs = pd.concat([pbxs, new], ignore_index=True)
    return validated(snapshot, pbxs=pbxs)


def with_address(
    snapshot: Snapshot, *, pbx_id: str, address: str, kind: str, now: datetime, shared: bool = False
) -> Frames:
    """
    Add a source address of a PBX, valid from now.

    Args:
        snapshot: The current inventory.
        pbx_id: Id of the PBX.
        address: The address, as typed.
        kind: ``primary`` or ``failover``.
        now: Current time, UTC.
        shared: Other PBXs behind the same NAT may call from the address too.

    Raises:
        InputError: The address is not a single public IPv4 address, this PBX calls from it already, or another PBX
            does and the address is not declared as shared.
    """
    current = snapshot.addresses_at(now)
    is_declared = current["source"] != "configured"
    other_owners = current.loc[is_declared & (current["address"] == address.strip()), "pbx_id"]
    if pbx_id in set(other_owners):
        raise InputError(f"{address.strip()} is in use by {snapshot.name_of(pbx_id)} already.")
    if len(other_owners) and not shared:
        raise InputError(
            f"{address.strip()} is in use by {snapshot.name_of(str(other_owners.iloc[0]))} already. End it there "
            "first, or, "
            "where both PBXs are behind the same NAT, tick that it is shared."
        )
    row = {"pbx_id": pbx_id, "address": address.strip(), "kind": kind, "source": "declared", "valid_from": now}
    rows = pd.concat([snapshot.pbx_addresses.astype(object), pd.DataFrame([row], dtype=object)], ignore_index=True)
    return validated(snapshot, pbx_addresses=rows)


def without_address(snapshot: Snapshot, *, pbx_id: str, address: str, now: datetime) -> Frames:
    """
    End an address as of now; the row stays, because past calls came from the address.

    An address added within the current second ends with the next one, because times are stored in whole seconds.
    """
    rows = snapshot.pbx_addresses.copy()
    is_current = (rows["pbx_id"] == pbx_id) & (rows["address"] == address) & rows["valid_to"].isna()
    begun = rows.loc[is_current, "valid_from"].max()
    rows.loc[is_current, "valid_to"] = max(pd.Timestamp(now), begun + SECOND) if pd.notna(begun) else pd.Timestamp(now)
    return validated(snapshot, pbx_addresses=rows)


def with_numbers(snapshot: Snapshot, *, pbx_id: str, text: str) -> Frames:
    """
    Set the numbers that a PBX should receive.

    Args:
        snapshot: The current inventory.
        pbx_id: Id of the PBX.
        text: One number per line, in any common format.

    Raises:
        InputError: A line is not a number, or the number belongs to another PBX.
    """
    other_rows = snapshot.pbx_numbers[snapshot.pbx_numbers["pbx_id"] != pbx_id]
    typed = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
    pbx_rows = pd.DataFrame({"pbx_id": [pbx_id] * len(typed), "number": list(typed)}, dtype=object)
    return validated(snapshot, pbx_numbers=pd.concat([other_rows.astype(object), pbx_rows], ignore_index=True))


def validated(snapshot: Snapshot, **edited: pd.DataFrame) -> Frames:
    """
    Validate the whole inventory with some of its frames edited.

    Returns:
        The edited frames, conformed.

    Raises:
        InputError: The inventory is invalid; the message states the first problem and the number of further ones.
    """
    whole = {name: edited.get(name, getattr(snapshot, name)) for name in EDITABLE_FRAMES}
    result = read_edit(whole, snapshot.treated_as_public)
    if result.problems:
        edited_problems = [problem for problem in result.problems if problem.file in edited] or result.problems
        first = edited_problems[0]
        further = len(edited_problems) - 1
        column = f"{label_of(first.column)}: " if first.column else ""
        raise InputError(f"{column}{first.message}{f' And {further} more.' if further else ''} Nothing was saved.")
    return {name: result.frames[name] for name in edited}
