"""Sources attributed to a PBX only by X-Tag or caller id: signs that another party is calling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from dashboard.calls.attribution import CALLER_ID, CLAIMS, X_TAG
from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence import ownership
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import ADMISSION, PROVES

NEW = timedelta(days=14)
"""Time after its first call during which a source counts as new."""
ENOUGH_CALLS, ENOUGH_DAYS = 100, timedelta(days=7)
"""Minimum number of calls, and of days that they span, to determine a PBX's usual calling hours."""
RARE = 0.01
"""An hour is unusual if it and its two neighbors together have a smaller share of the PBX's own calls."""
MOST_ZONES = 3
NAMES = {X_TAG: "X-Tag", CALLER_ID: "caller id"}


@dataclass(frozen=True)
class Claim:
    """Claim of a source to be a PBX, and the signs against it."""

    sentence: str
    """Text that names the fields on which the claim is based."""
    signs: tuple[str, ...]
    """Clauses with signs against the claim; empty if there are none."""
    own_in_use: str
    """Address of the PBX from which it placed admitted calls in the meantime; ``""`` if none."""


def is_claimed(owners: ownership.AddressOwners, pbx_id: str, calls: call_evidence.Tallies) -> bool:
    """Return whether calls from one source are attributed to a PBX only by values that the caller can set."""
    words_only = bool(calls) and all(one.attributed_by in CLAIMS for one in calls)
    return bool(pbx_id) and words_only and pbx_id not in ownership.ids(owners.ever.of(calls[0].source_ip))


def examine(snapshot: Snapshot, owners: ownership.AddressOwners, pbx_id: str, calls: call_evidence.Tallies) -> Claim:
    """
    Compare the calls of a claimed source with those that the PBX places from its own addresses.

    Args:
        snapshot: Snapshot with ``call_patterns`` of the source and of the PBX's addresses.
        owners: Owners of addresses.
        pbx_id: Id of the PBX that the caller claims to be.
        calls: Admitted calls from one source; at least one.
    """
    name = snapshot.name_of(pbx_id)
    address = calls[0].source_ip
    fields = " and ".join(NAMES[field] for field in CLAIMS if field in {one.attributed_by for one in calls})
    patterns = snapshot.call_patterns
    patterns = patterns[(patterns["pbx_id"] == pbx_id) & (patterns["outcome"].map(PROVES) == ADMISSION)]
    claimed = patterns[patterns["source_ip"] == address]
    own = [source for source in patterns["source_ip"].unique() if pbx_id in ownership.ids(owners.ever.of(source))]
    known = patterns[patterns["source_ip"].isin(own)]
    in_use = _own_in_use(snapshot, owners, pbx_id, calls)
    signs = (
        _new(snapshot, calls),
        f"{name} placed calls from its own address {in_use} meanwhile" if in_use else "",
        _new_zones(name, claimed, known),
        _odd_hours(name, claimed, known),
    )
    return Claim(
        sentence=f"only the {fields} says that it is {name}, and any caller can write that",
        signs=tuple(filter(None, signs)),
        own_in_use=in_use,
    )


def _new(snapshot: Snapshot, calls: call_evidence.Tallies) -> str:
    first = call_evidence.first(calls)
    recorded_before = snapshot.since is not None and snapshot.since + call_evidence.DAY <= first
    if not recorded_before or first < snapshot.taken_at - NEW:
        return ""
    return f"the source is new, its first call was at {call_evidence.moment(first)}"


def _own_in_use(snapshot: Snapshot, owners: ownership.AddressOwners, pbx_id: str, calls: call_evidence.Tallies) -> str:
    """Return a current address of the PBX with admitted calls at or after the first of these calls; ``""`` if none."""
    rows = snapshot.addresses_now
    first = call_evidence.first(calls)
    by_source = snapshot.once(call_evidence.OutboundCalls).by_source
    for address in rows.loc[rows["pbx_id"] == pbx_id, "address"]:
        own = [one for one in call_evidence.admitted(snapshot, by_source.get(address, [])) if one.pbx_id == pbx_id]
        if own and call_evidence.last(own) >= first and owners.kinds.get(pbx_id):
            return str(address)
    return ""


def _new_zones(name: str, claimed: pd.DataFrame, known: pd.DataFrame) -> str:
    if known.empty:
        return ""
    before = known.groupby("zone")["first_at"].min()
    called = claimed.groupby("zone").agg(first_at=("first_at", "min"), calls=("calls", "sum"))
    called = called[called.index != ""]
    earlier = before.reindex(called.index)
    new = called[earlier.isna() | (earlier > called["first_at"])].sort_values("calls", ascending=False)
    if new.empty:
        return ""
    zones = [str(zone) for zone in new.index]
    more = len(zones) - MOST_ZONES
    listed = ", ".join(zones[:MOST_ZONES]) + (f" and {more} more" if more > 0 else "")
    return f"it calls {listed}, which {name} had not called from its own addresses"


def _odd_hours(name: str, claimed: pd.DataFrame, known: pd.DataFrame) -> str:
    total = int(known["calls"].sum())
    if total < ENOUGH_CALLS or known["last_at"].max() - known["first_at"].min() < ENOUGH_DAYS:
        return ""
    usual = known.groupby("hour")["calls"].sum().reindex(range(24), fill_value=0)
    odd = [hour for hour in range(24) if sum(usual[(hour + away) % 24] for away in (-1, 0, 1)) < RARE * total]
    calls = int(claimed.loc[claimed["hour"].isin(odd), "calls"].sum())
    if not calls:
        return ""
    began = "1 call began" if calls == 1 else f"{calls:,} calls began"
    return f"{began} at hours at which {name} placed under 1% of its own calls"
