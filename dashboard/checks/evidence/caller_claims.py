"""Sources that only the caller's own X-Tag or caller id ties to a PBX: signs that somebody else is calling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from dashboard.calls.attribution import CALLER_ID, CLAIMS, X_TAG
from dashboard.checks.evidence import calls as ev
from dashboard.checks.evidence import ownership as inv
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import ADMISSION, PROVES

NEW = timedelta(days=14)
"""A source counts as new for so long after its first call."""
ENOUGH_CALLS, ENOUGH_DAYS = 100, timedelta(days=7)
"""So many calls over so many days show the hours at which a PBX usually calls."""
RARE = 0.01
"""Hours are odd where they and their neighbors hold a smaller share of the PBX's own calls."""
MOST_ZONES = 3
NAMES = {X_TAG: "X-Tag", CALLER_ID: "caller id"}


@dataclass(frozen=True)
class Claim:
    """What a source claims, and what speaks against it."""

    sentence: str
    """Names the field that the claim rests on."""
    signs: tuple[str, ...]
    """Sentences; empty where nothing speaks against the claim."""
    own_in_use: str
    """An address of the PBX from which it placed admitted calls meanwhile; ``""`` for none."""


def is_claimed(owners: inv.AddressOwners, pbx_id: str, calls: ev.Tallies) -> bool:
    """Return whether nothing but the caller's own words ties calls from one source to a PBX."""
    words_only = bool(calls) and all(one.attributed_by in CLAIMS for one in calls)
    return bool(pbx_id) and words_only and pbx_id not in inv.ids(owners.ever.of(calls[0].source_ip))


def examine(snapshot: Snapshot, owners: inv.AddressOwners, pbx_id: str, calls: ev.Tallies) -> Claim:
    """
    Compare the calls of a claimed source with what its PBX does from its own addresses.

    Args:
        snapshot: With ``call_patterns`` of the source and of the PBX's addresses.
        owners: Owners of addresses.
        pbx_id: The PBX that the caller claims to be.
        calls: Admitted calls from one source; at least one.
    """
    name, address = snapshot.name_of(pbx_id), calls[0].source_ip
    fields = " and ".join(NAMES[field] for field in CLAIMS if field in {one.attributed_by for one in calls})
    patterns = snapshot.call_patterns
    patterns = patterns[(patterns["pbx_id"] == pbx_id) & (patterns["outcome"].map(PROVES) == ADMISSION)]
    claimed = patterns[patterns["source_ip"] == address]
    own = [source for source in patterns["source_ip"].unique() if pbx_id in inv.ids(owners.ever.of(source))]
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


def _new(snapshot: Snapshot, calls: ev.Tallies) -> str:
    first = ev.first(calls)
    recorded_before = snapshot.since is not None and snapshot.since + ev.DAY <= first
    if not recorded_before or first < snapshot.taken_at - NEW:
        return ""
    return f"the source is new, its first call was at {ev.moment(first)}"


def _own_in_use(snapshot: Snapshot, owners: inv.AddressOwners, pbx_id: str, calls: ev.Tallies) -> str:
    """Return a current address of the PBX with admitted calls at or after the first of these calls."""
    rows = snapshot.addresses_now
    first, by_source = ev.first(calls), snapshot.once(ev.OutboundCalls).by_source
    for address in rows.loc[rows["pbx_id"] == pbx_id, "address"]:
        own = [one for one in ev.admitted(snapshot, by_source.get(address, [])) if one.pbx_id == pbx_id]
        if own and ev.last(own) >= first and owners.kinds.get(pbx_id):
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
