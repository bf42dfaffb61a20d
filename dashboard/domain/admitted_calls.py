"""Proof by calls that active PBXs place calls now; configuration alone never proves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from dashboard.core.addresses import contains
from dashboard.domain.admission import changed_at, counts_from
from dashboard.domain.admission_proof import proof
from dashboard.domain.snapshot import Snapshot, members
from dashboard.schemas.tables import ADMISSION, FILE_ONLY, PROVES, REFUSAL, UTC_TIME

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
    address must be listed or credentials must be on, else an admission contradicts the policy on record. No later call
    from its addresses may be a proven refusal. Calls that are missing from the carrier's export, and calls from before
    the first policy on record, prove no admission.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.active = tuple(snapshot.pbxs.loc[(snapshot.pbxs["status"] == "active").to_numpy(), "pbx_id"].map(str))
        """Ids of the active PBXs, in the order of the inventory."""
        rows = snapshot.judged_traffic
        rows = rows[(rows["direction"] == "outbound").to_numpy()]
        self.any_call = not rows.empty
        """Whether the snapshot has any outbound call."""
        self.recent_from = snapshot.calls_at - RECENT
        """Start of the last 24 hours on record."""
        self.record_begins = counts_from(snapshot.versions[0].valid_from) if snapshot.versions else None
        """Time from which calls reflect a policy on record; ``None`` without such a policy."""
        owners = _owners(snapshot)
        self.addressed = frozenset[str]().union(*owners.values())
        """Ids of the PBXs that have a current address."""
        admitted = rows[(rows["outcome"].map(PROVES) == ADMISSION).to_numpy()]
        self.last_at = _last_confirmed(snapshot, admitted)
        """Latest admitted call from an address that a PBX had at that time, by id."""
        self._recent = _recent(admitted[(admitted["last_at"] > self.recent_from).to_numpy()], owners)
        own = rows[(rows["last_at"] > self.recent_from).to_numpy() & rows["source_ip"].isin(list(owners)).to_numpy()]
        own = own[_under_todays_policy(snapshot, own)]
        proven = _proofs(snapshot, own)
        sources = _proven_sources(own[(proven == ADMISSION).to_numpy()], owners, snapshot)
        last = {pbx_id: max(times.values()) for pbx_id, times in sources.items()}
        self.refused_since = _refused_since(own[(proven == REFUSAL).to_numpy()], owners, last)
        """Start of the refused calls that no admitted call followed, by id of a PBX."""
        self.quiet = tuple(
            owner_id for owner_id in self.active if owner_id not in sources or owner_id in self.refused_since
        )
        """Ids of the active PBXs that are not proven to place calls."""
        networks = snapshot.policy.networks
        self.by_list = frozenset(
            pbx_id for pbx_id, times in sources.items() if all(contains(networks, source) for source in times)
        )
        """Ids of the PBXs whose calls that prove it all came from listed addresses."""

    def recent(self, pbx_id: str) -> bool:
        """Return whether an admitted call of the last 24 hours may be that of a PBX, whether or not it proves it."""
        return pbx_id in self._recent


def _owners(snapshot: Snapshot) -> dict[str, set[str]]:
    """Return the ids of the PBXs by current address."""
    owners: dict[str, set[str]] = {}
    rows = snapshot.addresses_now
    for address, pbx_id in zip(rows["address"], rows["pbx_id"], strict=True):
        owners.setdefault(str(address), set()).add(str(pbx_id))
    return owners


def _last_confirmed(snapshot: Snapshot, admitted: pd.DataFrame) -> dict[str, datetime]:
    """Return the latest call from an address of each PBX, before it left that address, in the carrier's records."""
    held = snapshot.egress[["address", "pbx_id", "valid_to"]]
    rows = admitted[(admitted["provenance"] != FILE_ONLY).to_numpy()][["source_ip", "first_at", "last_at"]]
    rows = rows.merge(held, left_on="source_ip", right_on="address")
    rows = rows[(rows["valid_to"].isna() | (rows["first_at"] < rows["valid_to"])).to_numpy()]
    return {str(pbx_id): at for pbx_id, at in rows.groupby("pbx_id")["last_at"].max().items()}


def _recent(admitted: pd.DataFrame, owners: Mapping[str, set[str]]) -> frozenset[str]:
    """Return the ids of the PBXs that calls are attributed to or that have their source address."""
    pairs = dict.fromkeys(zip(admitted["source_ip"], admitted["pbx_id"], strict=True))
    return frozenset(one for source, pbx_id in pairs for one in (*members(pbx_id), *owners.get(source, ())))


def _under_todays_policy(snapshot: Snapshot, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """
    Return for each row whether today's policy for its source address was in force when its calls were made.

    Calls from before the first policy on record were made under an unknown one.
    """
    first = snapshot.versions[0].valid_from if snapshot.versions else snapshot.taken_at
    sources = rows["source_ip"].unique()
    begins = {source: counts_from(changed_at(snapshot.versions, source) or first) for source in sources}
    since = pd.Series(pd.Series(begins, dtype=UTC_TIME).reindex(rows["source_ip"]).array, index=rows.index)
    return (rows["first_at"] >= since).to_numpy(dtype=bool)


def _proofs(snapshot: Snapshot, rows: pd.DataFrame) -> pd.Series[str]:
    """Return what each row's calls prove about admission under today's policy."""
    keys = [*zip(rows["source_ip"], rows["outcome"], rows["sip_status"], strict=True)]
    proofs = {
        (source, outcome, status): proof(
            outcome,
            None if pd.isna(status) else int(status),
            listed=contains(snapshot.policy.networks, source),
            credentials_on=snapshot.account.credentials_on,
            no_path_status=snapshot.observed.no_path_status,
        )
        for source, outcome, status in dict.fromkeys(keys)
    }
    return pd.Series([proofs[key] for key in keys], index=rows.index, dtype="str")


def _proven_sources(
    admitted: pd.DataFrame, owners: Mapping[str, set[str]], snapshot: Snapshot
) -> dict[str, dict[str, datetime]]:
    """Return the latest admitted call that proves a PBX to place calls, by its id and its source address."""
    rows = admitted[(admitted["provenance"] != FILE_ONLY).to_numpy()]
    latest = rows.groupby(["source_ip", "pbx_id"], as_index=False)["last_at"].max()
    found: dict[str, dict[str, datetime]] = {}
    for source, pbx_id, at in zip(latest["source_ip"], latest["pbx_id"], latest["last_at"], strict=True):
        if pbx_id in owners[source] and _agrees_with_policy(snapshot, source):
            found.setdefault(pbx_id, {})[source] = at
    return found


def _agrees_with_policy(snapshot: Snapshot, source: str) -> bool:
    """Return whether the policy on record can admit a call from an address: it is listed, or credentials are on."""
    return snapshot.account.credentials_on is True or contains(snapshot.policy.networks, source)


def _refused_since(
    refused: pd.DataFrame, owners: Mapping[str, set[str]], admitted: Mapping[str, datetime]
) -> dict[str, datetime]:
    """
    Return the start of the refused calls after the latest admitted call of each PBX that has such calls.

    A refused call is that of the PBX it is attributed to among the owners of its source address, else of all owners.
    """
    found: dict[str, datetime] = {}
    for (source, pbx_id), rows in refused.groupby(["source_ip", "pbx_id"]):
        for one in owners[str(source)].intersection(members(str(pbx_id))) or owners[str(source)]:
            last = admitted.get(one)
            later = rows if last is None else rows[(rows["last_at"] > last).to_numpy()]
            if later.empty:
                continue
            first = later["first_at"]
            since = (first if last is None else first.where(first > last, later["last_at"])).min()
            found[one] = min(found.get(one, since), since)
    return found


def silence(snapshot: Snapshot, write: Callable[[str], str] = str) -> str:
    """
    Return a clause on the active PBXs that are not proven to place calls; ``""`` if each of them is.

    A PBX without calls may be in order, as at night: the clause states what is known and reports no failure.

    Args:
        snapshot: Calls, policies and inventory; the caller ensures that they are fresh.
        write: Function that returns a PBX's name as it is displayed.
    """
    calls = snapshot.memoize(AdmittedCalls)
    if not calls.active:
        return "no PBX is active"
    if not calls.any_call:
        return "no call was seen"
    return _lacking(calls, calls.quiet, lambda pbx_id: write(snapshot.name_of(pbx_id))) if calls.quiet else ""


def silence_of(snapshot: Snapshot, pbx_id: str, write: Callable[[str], str] = str) -> str:
    """Return the clause of ``silence`` on one PBX; ``""`` if it is proven to place calls or is not active."""
    calls = snapshot.memoize(AdmittedCalls)
    return _lacking(calls, [pbx_id], lambda one: write(snapshot.name_of(one))) if pbx_id in calls.quiet else ""


def all_by_list(snapshot: Snapshot) -> bool:
    """Return whether the calls that prove the active PBXs to place calls all came from listed addresses."""
    calls = snapshot.memoize(AdmittedCalls)
    return calls.by_list.issuperset(calls.active)


def _lacking(calls: AdmittedCalls, quiet: Sequence[str], name: Callable[[str], str]) -> str:
    """Return which proof the silent PBXs lack: first of those that are refused, then of those without an address."""
    refused = [one for one in quiet if one in calls.refused_since]
    nowhere = [one for one in quiet if one not in calls.addressed]
    others = [one for one in quiet if one not in calls.refused_since and one in calls.addressed]
    said = []
    if refused:
        since = min(calls.refused_since[one] for one in refused)
        said.append(f"calls of {_whose(calls, refused, name, 'every PBX')} have been refused since {_at(calls, since)}")
    if nowhere:
        its = "its address is" if len(nowhere) == 1 else "their addresses are"
        pbx_text = _whose(calls, nowhere, name, "any PBX")
        said.append(f"no call can prove that calls of {pbx_text} are admitted until {its} in the inventory")
    if others:
        said.append(_unproven(calls, others, name))
    return ", and ".join(said)


def _unproven(calls: AdmittedCalls, quiet: Sequence[str], name: Callable[[str], str]) -> str:
    """Return which call is lacking of silent PBXs with an address."""
    whose = _whose(calls, quiet, name, "any PBX")
    if any(map(calls.recent, quiet)):
        begins = calls.record_begins
        if begins is None:
            return f"no policy is on record, so no call proves that calls of {whose} are admitted now"
        since = f"since {_at(calls, begins)}, when the policy on record begins," if begins > calls.recent_from else ""
        return f"no call {since or 'of the last 24 hours'} proves that calls of {whose} are admitted now"
    last = [calls.last_at[pbx_id] for pbx_id in quiet if pbx_id in calls.last_at]
    if not last:
        return f"no admitted call of {whose} was seen"
    single = len(quiet) in (1, len(calls.active))
    return f"no admitted call of {whose} {f'since {max(last):%-d %b}' if single else 'in the last 24 hours'}"


def _whose(calls: AdmittedCalls, pbx_ids: Sequence[str], name: Callable[[str], str], whole: str) -> str:
    """Return the name of a single PBX, ``whole`` for all active ones, else their number."""
    if len(pbx_ids) == 1:
        return name(pbx_ids[0])
    return whole if len(pbx_ids) == len(calls.active) else f"{len(pbx_ids):,} PBXs"


def _at(calls: AdmittedCalls, at: datetime) -> str:
    """Return a time of the last 24 hours, with its date if that is not the date of the latest calls."""
    today = (calls.recent_from + RECENT).date() == at.date()
    return f"{at:%H:%M} UTC" if today else f"{at:%-d %b %H:%M} UTC"
