"""Sources attributed to a PBX only by X-Tag or caller id: signs that another party is calling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from dashboard.calls import attribution, is_only_claimed
from dashboard.checks.evidence import calls as call_evidence
from dashboard.checks.evidence import ownership
from dashboard.core.text import join
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import ADMISSION, PROVES

NEW = timedelta(days=14)
"""Time after its first call during which a source counts as new."""
ENOUGH_CALLS, ENOUGH_DAYS = 100, timedelta(days=7)
"""Minimum number of calls, and of days that they span, to determine a PBX's usual calling hours."""
RARE = 0.01
"""An hour is unusual if it and its two neighbors together have a smaller share of the PBX's own calls."""
MOST_ZONES = 3
NAMES = {attribution.X_TAG: "X-Tag", attribution.CALLER_ID: "caller id"}


@dataclass(frozen=True)
class Claim:
    """Claim of a source to be a PBX, and the signs against it."""

    sentence: str
    """Text that names the fields on which the claim is based."""
    signs: tuple[str, ...]
    """Clauses with signs against the claim; empty if there are none."""
    stolen: bool
    """Whether the PBX is static and placed admitted calls from its own address meanwhile, so the source is another."""
    left: bool
    """Whether the PBX had the source address until before the calls."""

    @property
    def against(self) -> str:
        """The signs as a sentence after a leading space; ``""`` if there are none."""
        signs = "; ".join(self.signs)
        return f" {signs[0].upper()}{signs[1:]}." if signs else ""


def is_claimed(owners: ownership.AddressOwners, tally: call_evidence.Tally) -> bool:
    """
    Return whether calls are attributed to a PBX only by values that the caller can set.

    Calls from an address that the PBX has left, and that another PBX has now, are not those of an unknown caller.
    """
    if not tally.claimed:
        return False
    taken_over = bool(owners.now.of(tally.source_ip)) and _had(owners, tally.pbx_id, tally.source_ip)
    return not taken_over


def _had(owners: ownership.AddressOwners, pbx_id: str, address: str) -> bool:
    """Return whether a PBX has an address or ever had it."""
    return pbx_id in ownership.ids(owners.ever.of(address))


def claimed(owners: ownership.AddressOwners, calls: call_evidence.Tallies) -> dict[str, list[call_evidence.Tally]]:
    """Return the calls that only claim to be of a PBX in use, by the id of that PBX."""
    result: dict[str, list[call_evidence.Tally]] = {}
    for tally in calls:
        if tally.pbx_id in owners.kinds and is_claimed(owners, tally):
            result.setdefault(tally.pbx_id, []).append(tally)
    return result


def is_confirmed(owners: ownership.AddressOwners, tally: call_evidence.Tally) -> bool:
    """Return whether the inventory confirms the PBX of calls: it has, or then had, the source address."""
    return bool(tally.pbx_id) and not is_claimed(owners, tally)


def callers(owners: ownership.AddressOwners, address: str, calls: call_evidence.Tallies) -> tuple[str, ...]:
    """Return the ids of the PBXs that call from an address according to the inventory, most calls first."""
    confirmed = call_evidence.callers([tally for tally in calls if is_confirmed(owners, tally)])
    return confirmed or ownership.ids(owners.now.of(address))


def sentence(snapshot: Snapshot, pbx_ids: Iterable[str], calls: call_evidence.Tallies) -> str:
    """Return text that names the fields on which a claim to be one of these PBXs is based."""
    rules = {tally.attributed_by for tally in calls}
    fields = [NAMES[field] for field in attribution.CLAIMS if field in rules]
    verb = "says" if len(fields) == 1 else "say"
    names = join(map(snapshot.name_of, pbx_ids), None, last="or")
    return f"only the {join(fields, None)} {verb} that it is {names}, and any caller can write that"


def examine(snapshot: Snapshot, owners: ownership.AddressOwners, pbx_id: str, calls: call_evidence.Tallies) -> Claim:
    """
    Compare the calls of a claimed source with those that the PBX placed from addresses that it then had.

    Args:
        snapshot: Snapshot with ``call_patterns`` of the source and of the PBX's addresses.
        owners: Owners of addresses.
        pbx_id: Id of the PBX that the caller claims to be.
        calls: Calls from one source that only claim to be of the PBX, the admitted ones if there are any; at least one.
    """
    name = snapshot.name_of(pbx_id)
    address = calls[0].source_ip
    patterns = snapshot.call_patterns
    patterns = patterns[(patterns["pbx_id"] == pbx_id) & (patterns["outcome"].map(PROVES) == ADMISSION)]
    had = [source for source in patterns["source_ip"].unique() if _had(owners, pbx_id, source)]
    is_own = patterns["source_ip"].isin(had) & ~is_only_claimed(patterns, snapshot.pbx_addresses)
    claimed_patterns = patterns[~is_own & (patterns["source_ip"] == address)]
    own_patterns = patterns[is_own]
    in_use = _own_in_use(snapshot, owners, pbx_id, calls)
    left = _left(name, owners, pbx_id, address)
    signs = (
        left or _new(snapshot, calls),
        f"{name} placed calls from its own address {in_use} meanwhile" if in_use else "",
        _new_zones(name, claimed_patterns, own_patterns),
        _odd_hours(name, claimed_patterns, own_patterns),
    )
    return Claim(
        sentence=sentence(snapshot, [pbx_id], calls),
        signs=tuple(filter(None, signs)),
        stolen=bool(in_use) and owners.kinds.get(pbx_id) == "static",
        left=bool(left),
    )


def _left(name: str, owners: ownership.AddressOwners, pbx_id: str, address: str) -> str:
    """Return a clause on when a PBX left an address, according to the inventory; ``""`` if it never had it."""
    ends = [row["valid_to"] for row in owners.ever.of(address) if row["pbx_id"] == pbx_id]
    return f"according to the inventory, {name} left the address on {max(ends):%Y-%m-%d}" if ends else ""


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
    by_source = snapshot.memoize(call_evidence.OutboundCalls).by_source
    for address in rows.loc[rows["pbx_id"] == pbx_id, "address"]:
        own_calls = [
            tally for tally in call_evidence.admitted(snapshot, by_source.get(address, [])) if tally.pbx_id == pbx_id
        ]
        if own_calls and call_evidence.last(own_calls) >= first and owners.kinds.get(pbx_id):
            return str(address)
    return ""


def _new_zones(name: str, claimed_patterns: pd.DataFrame, own_patterns: pd.DataFrame) -> str:
    if own_patterns.empty:
        return ""
    before = own_patterns.groupby("zone")["first_at"].min()
    zones_called = claimed_patterns.groupby("zone").agg(first_at=("first_at", "min"), calls=("calls", "sum"))
    zones_called = zones_called[zones_called.index != ""]
    earlier = before.reindex(zones_called.index)
    new = zones_called[earlier.isna() | (earlier > zones_called["first_at"])].sort_values("calls", ascending=False)
    if new.empty:
        return ""
    zones = [str(zone) for zone in new.index]
    return f"it calls {join(zones, MOST_ZONES)}, which {name} had not called from its own addresses"


def _odd_hours(name: str, claimed_patterns: pd.DataFrame, own_patterns: pd.DataFrame) -> str:
    total = int(own_patterns["calls"].sum())
    if total < ENOUGH_CALLS or own_patterns["last_at"].max() - own_patterns["first_at"].min() < ENOUGH_DAYS:
        return ""
    usual = own_patterns.groupby("hour")["calls"].sum().reindex(range(24), fill_value=0)
    odd = [hour for hour in range(24) if sum(usual[(hour + offset) % 24] for offset in (-1, 0, 1)) < RARE * total]
    calls = int(claimed_patterns.loc[claimed_patterns["hour"].isin(odd), "calls"].sum())
    if not calls:
        return ""
    began = "1 call began" if calls == 1 else f"{calls:,} calls began"
    return f"{began} at hours at which {name} placed under 1% of its own calls"
