"""
Callers that the inventory confirms, and the caller that every other call counts for.

An X-Tag or a caller ID attributes a call and never authenticates it. Counts of the calls that a PBX places contain
only those from its own addresses. Other calls that name it count for the owner of their source address, if any, else
for that address. The addresses of a dynamic PBX are not known, so calls that name it from an address of nobody count
for it, unconfirmed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.calls.attribution import CLAIMS, is_only_claimed
from dashboard.domain.changes import UNASSIGNED
from dashboard.domain.snapshot import SHARED, Snapshot

RETIRED = "retired"


def counted_callers(snapshot: Snapshot, rows: pd.DataFrame) -> pd.DataFrame:
    """
    Return the caller that each row counts for.

    Args:
        snapshot: Its inventory.
        rows: TRAFFIC, attributed. None straddles an instant at which an address changes owner.

    Returns:
        By the index of ``rows``: ``confirmed``, false if only an X-Tag or a caller ID ties the row to a PBX to which
        the inventory does not assign the source address, or no longer at that time; ``placed_by``, the IDs of PBXs as
        in ``pbx_id``, ``""`` for an unassigned address; and ``who``, the name of that caller.
    """
    confirmed = ~is_only_claimed(rows, snapshot.pbx_addresses)
    placed_by = rows["pbx_id"]
    if not confirmed.all():
        claims = rows[~confirmed]
        owners = _owners_then(snapshot, claims)
        unknown = claims["pbx_id"].where(claims["pbx_id"].isin(_dynamic(snapshot)), "")
        placed_by = owners.where(owners != "", unknown).reindex(rows.index).fillna(placed_by).astype("str")
    names = {pbx_id: snapshot.name_of(pbx_id) for pbx_id in placed_by.unique() if pbx_id}
    pairs = zip(placed_by, rows["source_ip"], strict=True)
    who = [names[pbx_id] if pbx_id else f"{address}{UNASSIGNED}" for pbx_id, address in pairs]
    return pd.DataFrame(
        {"confirmed": confirmed, "placed_by": placed_by, "who": pd.Series(who, index=rows.index, dtype="str")}
    )


def callers(snapshot: Snapshot, rows: pd.DataFrame) -> list[str]:
    """Return the name of the caller that each row counts for; see ``counted_callers``."""
    found: list[str] = counted_callers(snapshot, rows)["who"].tolist()
    return found


def is_of_others(rows: pd.DataFrame, snapshot: Snapshot) -> pd.Series[bool]:
    """
    Return which outbound calls came from an address that no PBX had then, and are of no PBX in use.

    These are unassigned calls, calls that only claim to be of a PBX (``is_only_claimed``), and calls under the X-Tag or
    the caller ID of a retired PBX. A call under the X-Tag of another PBX is of the PBX that had its source address.

    Args:
        rows: TRAFFIC, attributed. None straddles an instant at which an address changes owner.
        snapshot: Inventory.
    """
    retired = snapshot.pbxs.loc[(snapshot.pbxs["status"] == RETIRED).to_numpy(), "pbx_id"]
    unconfirmed = is_only_claimed(rows, snapshot.pbx_addresses)
    unconfirmed |= (rows["pbx_id"] == "") | (rows["attributed_by"].isin(CLAIMS) & rows["pbx_id"].isin(retired))
    unconfirmed &= rows["direction"] == "outbound"
    found = unconfirmed.astype(bool)
    found[found] = (_owners_then(snapshot, rows[found]) == "").to_numpy()
    return found


def callers_of_judged_traffic(snapshot: Snapshot) -> npt.NDArray[np.object_]:
    """Return the name of the caller of each row of ``judged_traffic``, computed once per snapshot."""
    return snapshot.memoize(_callers_of_judged_traffic)


def _callers_of_judged_traffic(snapshot: Snapshot) -> npt.NDArray[np.object_]:
    return np.array(callers(snapshot, snapshot.judged_traffic), dtype="object")


def _dynamic(snapshot: Snapshot) -> list[str]:
    """Return the IDs of the dynamic PBXs that are not retired."""
    pbxs = snapshot.pbxs
    return pbxs.loc[((pbxs["ip_kind"] == "dynamic") & (pbxs["status"] != RETIRED)).to_numpy(), "pbx_id"].tolist()


def _owners_then(snapshot: Snapshot, rows: pd.DataFrame) -> pd.Series[str]:
    """Return the IDs of the PBXs that had the source address of each row at that time, ``""`` if none."""
    held = snapshot.egress[["pbx_id", "address", "valid_from", "valid_to"]]
    some = rows[["source_ip", "first_at"]].rename_axis("row").reset_index()
    pairs = some.merge(held, left_on="source_ip", right_on="address")
    begun = pairs["valid_from"].isna() | (pairs["valid_from"] <= pairs["first_at"])
    going = pairs["valid_to"].isna() | (pairs["first_at"] < pairs["valid_to"])
    owners = pairs[begun & going].groupby("row")["pbx_id"].agg(lambda ids: SHARED.join(sorted(set(ids))))
    return owners.reindex(rows.index).fillna("").astype("str")
