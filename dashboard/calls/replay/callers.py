"""Callers that are unassigned, and PBXs that have left the address that they called from."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.calls.replay.exact_sums import Flags
from dashboard.calls.replay.policy_evaluator import Keys
from dashboard.domain.snapshot import Age, Snapshot, members


@dataclass(frozen=True)
class Callers:
    """Facts about the callers from the inventory."""

    fresh: bool
    """The inventory was confirmed recently; a stale or missing one proves nothing about owners."""
    left: frozenset[tuple[str, str]]
    """Pairs of a static PBX's ID and an address that it has left, without calls since that are attributed to it."""
    disputed: frozenset[tuple[str, str]]
    """The same with such calls, which only an X-Tag or a caller ID can tie to the PBX."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Callers:
        """Derive the facts from a snapshot's inventory."""
        freshness = snapshot.freshness.get("inventory")
        fresh = freshness is not None and freshness.age(snapshot.taken_at) is Age.FRESH
        return cls(fresh, *_left_addresses(snapshot))

    def unassigned(self, keys: Keys) -> Flags:
        """Return which keys belong to no PBX."""
        of_none: Flags = (keys.pbxs == "").to_numpy(dtype=bool)[keys.pbx]
        return of_none

    def has_left(self, keys: Keys) -> Flags:
        """Return which keys are of a PBX at an address that it has left; at a shared address, that all have left."""
        return _at(self.left, keys)

    def may_have_left(self, keys: Keys) -> Flags:
        """Return which keys are of a PBX at an address that it has left, if later calls claim to be of the PBX."""
        return _at(self.left | self.disputed, keys) & ~self.has_left(keys)


def _at(left: frozenset[tuple[str, str]], keys: Keys) -> Flags:
    """Return which keys are of PBXs at addresses of pairs."""
    sources = {source: place for place, source in enumerate(keys.sources)}
    found: Flags = (keys.source < 0) & (keys.pbx < 0)
    for place, pbx_id in enumerate(keys.pbxs):
        owners = members(pbx_id)
        for address in {address for one, address in left if one in owners and address in sources}:
            if all((one, address) in left for one in owners):
                found = found | ((keys.pbx == place) & (keys.source == sources[address]))
    return found


def _left_addresses(snapshot: Snapshot) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
    """
    Return the addresses that static PBXs have left, without and with later calls that are attributed to the PBX.

    Such a call, also one that only an imported file has, is either of the PBX, and the inventory is wrong, or of
    another caller.
    """
    egress = snapshot.egress
    ended = egress[egress["valid_to"].notna() & (egress["valid_to"] <= snapshot.taken_at)]
    static = snapshot.pbxs.loc[snapshot.pbxs["ip_kind"] == "static", "pbx_id"]
    ends = ended[ended["pbx_id"].isin(static)].groupby(["pbx_id", "address"])["valid_to"].max()
    now = snapshot.addresses_now
    current = {*zip(now["pbx_id"], now["address"], strict=True)}
    ends = ends[[pair not in current for pair in ends.index]]
    if ends.empty:
        return frozenset(), frozenset()
    rows = snapshot.judged_traffic
    rows = rows[(rows["direction"] == "outbound").to_numpy()]
    rows = rows[rows["source_ip"].isin(ends.index.get_level_values("address"))]
    last = rows.groupby(["pbx_id", "source_ip"])["last_at"].max()
    latest = last.reindex(ends.index)
    quiet = latest.isna() | (latest <= ends.dt.ceil("s"))
    without, later = (
        frozenset((str(pbx_id), str(address)) for pbx_id, address in ends.index[chosen]) for chosen in (quiet, ~quiet)
    )
    return without, later
