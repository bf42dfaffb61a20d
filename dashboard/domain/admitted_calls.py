"""Proof by calls that active PBXs place calls now; configuration alone never proves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from dashboard.core.addresses import contains
from dashboard.domain.admission import changed_at, counts_from
from dashboard.domain.snapshot import Snapshot, members
from dashboard.schemas.tables import ADMISSION, FILE_ONLY, PROVES, UTC_TIME

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RECENT: Final = timedelta(days=1)
"""Age up to which a call proves something about the present; the traffic of a snapshot is split at its start."""


class AdmittedCalls:
    """
    Admitted outbound calls of the active PBXs of a snapshot.

    An active PBX is proven to place calls by an admitted call of the last 24 hours, under today's policy, that is
    attributed to it alone and comes from one of its current addresses: X-Tag and caller ID do not authenticate. The
    address must be listed or credentials must be on, else an admission contradicts the policy on record. Calls that
    are missing from the carrier's export prove nothing.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.active = tuple(snapshot.pbxs.loc[(snapshot.pbxs["status"] == "active").to_numpy(), "pbx_id"].map(str))
        """Ids of the active PBXs, in the order of the inventory."""
        self.last_at: dict[str, datetime] = {}
        """Latest admitted call that is attributed to an active PBX or comes from an address of it, by id."""
        rows = snapshot.judged_traffic
        rows = rows[(rows["direction"] == "outbound").to_numpy()]
        self.any_call = not rows.empty
        """Whether the snapshot has any outbound call."""
        self._recent_from = snapshot.calls_at - RECENT
        owners = _owners(snapshot)
        rows = rows[(rows["outcome"].map(PROVES) == ADMISSION).to_numpy()]
        latest = rows.groupby(["source_ip", "pbx_id"], as_index=False)["last_at"].max()
        for source, pbx_id, at in zip(latest["source_ip"], latest["pbx_id"], latest["last_at"], strict=True):
            for one in {*members(pbx_id), *owners.get(source, ())}:
                self.last_at[one] = max(self.last_at.get(one, at), at)
        rows = rows[(rows["last_at"] > self._recent_from).to_numpy() & rows["source_ip"].isin(list(owners)).to_numpy()]
        rows = rows[(rows["provenance"] != FILE_ONLY).to_numpy() & _under_todays_policy(snapshot, rows)]
        pairs = dict.fromkeys(zip(rows["source_ip"], rows["pbx_id"], strict=True))
        proven = {
            pbx_id for source, pbx_id in pairs if pbx_id in owners[source] and _agrees_with_policy(snapshot, source)
        }
        self.quiet = tuple(pbx_id for pbx_id in self.active if pbx_id not in proven)
        """Ids of the active PBXs that are not proven to place calls."""

    def recent(self, pbx_id: str) -> bool:
        """Return whether an admitted call of the last 24 hours may be that of a PBX, whether or not it proves it."""
        return pbx_id in self.last_at and self.last_at[pbx_id] > self._recent_from


def _owners(snapshot: Snapshot) -> dict[str, set[str]]:
    """Return the ids of the PBXs by current address."""
    owners: dict[str, set[str]] = {}
    rows = snapshot.addresses_now
    for address, pbx_id in zip(rows["address"], rows["pbx_id"], strict=True):
        owners.setdefault(str(address), set()).add(str(pbx_id))
    return owners


def _under_todays_policy(snapshot: Snapshot, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return for each row whether its calls are from after the latest policy change for their source address."""
    sources = rows["source_ip"].unique()
    changes = {source: counts_from(at) for source in sources if (at := changed_at(snapshot.versions, source))}
    since = pd.Series(pd.Series(changes, dtype=UTC_TIME).reindex(rows["source_ip"]).array, index=rows.index)
    return (since.isna() | (rows["first_at"] >= since)).to_numpy(dtype=bool)


def _agrees_with_policy(snapshot: Snapshot, source: str) -> bool:
    """Return whether the policy on record can admit a call from an address: it is listed, or credentials are on."""
    return snapshot.account.credentials_on is True or contains(snapshot.policy.networks, source)


def silence(snapshot: Snapshot, write: Callable[[str], str] = str) -> str:
    """
    Return a clause on the active PBXs that are not proven to place calls; ``""`` if each of them is.

    A PBX without calls may be in order, as at night: the clause states what is known and reports no failure.

    Args:
        snapshot: Calls, policies and inventory; the caller ensures that they are fresh.
        write: Function that returns a PBX's name as it is displayed.
    """
    calls = snapshot.once(AdmittedCalls)
    if not calls.active:
        return "no PBX is active"
    if not calls.any_call:
        return "no call was seen"
    if not calls.quiet:
        return ""
    name = write(snapshot.name_of(calls.quiet[0])) if len(calls.quiet) == 1 else ""
    return _lacking(calls, name)


def _lacking(calls: AdmittedCalls, name: str) -> str:
    """Return which call of the silent PBXs is lacking; ``name`` is that of the only silent PBX, else ``""``."""
    whole = len(calls.quiet) == len(calls.active)
    whose = name or ("any PBX" if whole else f"{len(calls.quiet):,} PBXs")
    if any(map(calls.recent, calls.quiet)):
        return f"no call of the last 24 hours proves that calls of {whose} are admitted now"
    last = [calls.last_at[pbx_id] for pbx_id in calls.quiet if pbx_id in calls.last_at]
    if not last:
        return f"no admitted call of {whose} was seen"
    since = f"since {max(last):%-d %b}" if name or whole else "in the last 24 hours"
    return f"no admitted call of {whose} {since}"
