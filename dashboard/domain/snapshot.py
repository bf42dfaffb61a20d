"""Snapshot: the account, the inventory and the calls at one instant, as input for checks and pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

from dashboard import schemas
from dashboard.core.addresses import contains
from dashboard.core.clocks import to_come
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.capabilities import Capability

Made = TypeVar("Made")

SHARED = "|"
"""Separator between the ids of PBXs that share an address; no id contains it."""


class Age(StrEnum):
    """Age of an input relative to the limit for its kind."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True)
class Freshness:
    """Time at which an input was last read or confirmed, and seconds for which it counts as fresh."""

    as_of: datetime | None
    stale_after_s: int

    def age(self, now: datetime) -> Age:
        """
        Return whether the input is fresh, stale or missing at ``now``.

        An input that was read at a time in the future is stale, because its age is unknown.
        """
        if self.as_of is None:
            return Age.MISSING
        if self.to_come(now):
            return Age.STALE
        return Age.STALE if now - self.as_of > timedelta(seconds=self.stale_after_s) else Age.FRESH

    def to_come(self, now: datetime) -> bool:
        """Return whether the input was read at a time that is in the future at ``now``."""
        return self.as_of is not None and to_come(self.as_of, now)

    def until(self, now: datetime) -> datetime:
        """Return the time up to which the input is valid: ``now``, or the time it was read if it is stale."""
        return now if self.as_of is None or self.age(now) is not Age.STALE else min(self.as_of, now)


@dataclass(frozen=True)
class Account:
    """The account's profile at the carrier, as far as this product uses it."""

    tech_prefix: str
    credentials_on: bool | None
    known_by: str = "carrier"
    sample: bool = False
    name: str = ""


@dataclass(frozen=True)
class Snapshot:
    """
    Frames that conform to ``schemas``, the account, and the freshness of each input.

    ``traffic`` is attributed (``pbx_id``), covers ``[since, taken_at)``, and none of its rows
    straddles an instant of ``versions``. It has few rows, regardless of the number of calls.
    """

    taken_at: datetime
    account: Account
    allowed_ips: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.ALLOWED_IPS))
    entry_periods: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.ENTRY_PERIODS))
    """Periods of each entry on the list, current and earlier, and who added it, according to this product's records."""
    pbxs: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.PBXS))
    pbx_addresses: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.PBX_ADDRESSES))
    pbx_numbers: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.PBX_NUMBERS))
    pbx_config: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.PBX_CONFIG))
    numbers: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.NUMBERS))
    routes: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.ROUTES))
    resolved_hosts: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.RESOLVED_HOSTS))
    """Addresses of host names, each with the time of its lookup."""
    edges: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.EDGES))
    limits: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.LIMITS))
    traffic: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.TRAFFIC))
    call_patterns: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.CALL_PATTERNS))
    """
    Hours and zones of sources that only claim to be a PBX, including calls of imported files, and of that PBX's own
    addresses according to the carrier's records; attributed.
    """
    past_traffic: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.TRAFFIC))
    """
    Like ``traffic``: the calls before ``window_start`` and before the latest change of the policy or its first record;
    includes calls that are only in imported files, marked by ``provenance``.
    """
    loss_reviews: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.LOSS_REVIEWS))
    """Every review of a past loss, oldest first."""
    file_only_traffic: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.TRAFFIC))
    """Calls of imported files that are missing from the carrier's export for their time: in no total, but checked."""
    pbx_records: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.PBX_RECORDS))
    pbx_attempts: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.PBX_ATTEMPTS))
    """Attempts in the PBXs' own records since ``window_start``, split at the same changes as ``traffic``."""
    pbx_freshness: Mapping[str, Freshness] = field(default_factory=dict)
    """End of each PBX's own records, by PBX id. A PBX without an entry has no records; nothing is inferred for it."""
    since: datetime | None = None
    """Start of the calls covered; ``None`` if no call was ever loaded."""
    calls_from: datetime | None = None
    """Start of the period whose calls were fetched or imported; from then on the absence of calls is significant."""
    window_start: datetime | None = None
    """Start of the window from which calls were requested."""
    split_at: tuple[datetime, ...] = ()
    """Instants at which ``traffic`` is split: changes of a policy or an address, and the start of the last 24 hours."""
    versions: tuple[PolicyVersion, ...] = ()
    """Policies by the instant from which each was in force, oldest first; the last is the current one."""
    observed: Observations = field(default_factory=Observations)
    capabilities: frozenset[Capability] = frozenset()
    freshness: Mapping[str, Freshness] = field(default_factory=dict)
    """
    Freshness by input: ``calls``, ``allowed_ips``, ``credentials``, ``routes``, ``inventory``, and ``configurations``
    if the configuration of any PBX was read.
    """
    version_ids: Mapping[str, int] = field(default_factory=dict)
    """
    Id of the recorded version of ``account`` and of each recorded frame, 0 where there is none; an edit names those it
    was made from.
    """
    treated_as_public: tuple[str, ...] = ()
    silent_days: int = 28

    @cached_property
    def policy(self) -> Policy:
        """The current policy, derived from the frames."""
        return Policy(
            networks=frozenset(self.allowed_ips["network"]),
            credentials_on=self.account.credentials_on,
            tech_prefix=self.account.tech_prefix,
            prefix_known=bool(self.account.tech_prefix),
        )

    def age(self, name: str) -> Age:
        """Return the age of an input; ``MISSING`` if nothing is recorded for it."""
        return self.freshness[name].age(self.taken_at) if name in self.freshness else Age.MISSING

    @property
    def calls_at(self) -> datetime:
        """
        Time up to which the calls are valid: ``taken_at``, or the last fetch if the calls are stale.

        Windows such as "the last 24 hours" end here: hours without a sync must not look like hours without calls.
        """
        return self.freshness.get("calls", Freshness(None, 0)).until(self.taken_at)

    def to_come(self, name: str) -> bool:
        """Return whether an input was read at a time in the future, so that a clock or a time zone is wrong."""
        return name in self.freshness and self.freshness[name].to_come(self.taken_at)

    def without(self, names: Collection[str]) -> Snapshot:
        """
        Return the snapshot as if some inputs had never been read.

        Args:
            names: Names of inputs, as in ``freshness``.
        """
        blanked: dict[str, Any] = {}
        for name in names:
            blanked |= {frame: schemas.empty(schema) for frame, schema in _FRAMES_OF.get(name, {}).items()}
        if "credentials" in names:
            blanked["account"] = replace(self.account, credentials_on=None)
        if "calls" in names:
            blanked["since"] = None
        freshness = {
            name: Freshness(None, fresh.stale_after_s) if name in names else fresh
            for name, fresh in self.freshness.items()
        }
        return replace(self, freshness=freshness, **blanked)

    def name_of(self, pbx_id: str) -> str:
        """
        Return a PBX's display name: its name, with its id if two PBXs have the same name; the id if it has no name.

        Ids joined by ``SHARED`` return ``one of Denver, Seattle``.
        """
        if SHARED in pbx_id:
            return f"one of {', '.join(map(self.name_of, members(pbx_id)))}"
        return self._names.get(pbx_id) or pbx_id

    @cached_property
    def _names(self) -> dict[str, str]:
        rows = self.pbxs.drop_duplicates("pbx_id")
        display_names = rows["name"].where(
            ~rows["name"].duplicated(keep=False), rows["name"] + " (" + rows["pbx_id"] + ")"
        )
        return dict(zip(rows["pbx_id"], display_names.where(rows["name"] != "", ""), strict=True))

    @cached_property
    def owners(self) -> Mapping[str, tuple[tuple[str, ...], bool]]:
        """Mapping of address to the PBXs that call from it now, else those that last did, and whether it is now."""
        rows = self.egress.sort_values("valid_to", na_position="last", kind="stable")
        last = rows["valid_to"].groupby(rows["address"]).transform("last")
        open_ended = rows["valid_to"].isna() & last.isna()
        owners: dict[str, tuple[tuple[str, ...], bool]] = {}
        for frame, now in ((rows[open_ended | (rows["valid_to"] == last)], False), (self.addresses_now, True)):
            pairs = frame[["address", "pbx_id"]].drop_duplicates()
            for address, ids in pairs.groupby("address", sort=False)["pbx_id"]:
                owners[str(address)] = (tuple(map(str, ids)), now)
        return owners

    def owners_of(self, network: str) -> tuple[tuple[str, ...], bool]:
        """
        Return the PBXs that call from an address or from inside a network now, else those that last did.

        The second value is whether they call from it now.
        """
        inside = [self.owners[network]] if network in self.owners else []
        if "/" in network:
            inside = [owners for address, owners in self.owners.items() if contains((network,), address)]
        for now in (True, False):
            if pbx_ids := tuple(dict.fromkeys(pbx_id for ids, is_now in inside for pbx_id in ids if is_now is now)):
                return pbx_ids, now
        return (), False

    @property
    def window_days(self) -> int:
        """Length of the window in days, at least 1."""
        return max(1, (self.taken_at - (self.window_start or self.taken_at)).days)

    @cached_property
    def listed_since(self) -> Mapping[str, Mapping[str, Any]]:
        """Current row of ``entry_periods`` by network."""
        rows = self.entry_periods[self.entry_periods["until"].isna()].to_dict("records")
        return {row["network"]: {str(name): value for name, value in row.items()} for row in rows}

    @cached_property
    def judged_traffic(self) -> pd.DataFrame:
        """Traffic that checks evaluate: ``traffic`` and, marked by ``provenance``, ``file_only_traffic``."""
        if self.file_only_traffic.empty:
            return self.traffic
        return pd.concat([self.traffic, self.file_only_traffic], ignore_index=True)

    @cached_property
    def egress(self) -> pd.DataFrame:
        """Rows of ``pbx_addresses`` that count as source addresses of a PBX; see ``egress_of``."""
        return egress_of(self.pbx_addresses)

    def memoize(self, build: Callable[[Snapshot], Made]) -> Made:
        """Return ``make(self)``, computed once per snapshot and shared between callers, which must not change it."""
        if build not in self._made:
            self._made[build] = build(self)
        value: Made = self._made[build]
        return value

    @cached_property
    def _made(self) -> dict[Callable[[Snapshot], Any], Any]:
        return {}

    @cached_property
    def addresses_now(self) -> pd.DataFrame:
        """Rows of ``egress`` that are valid at ``taken_at``."""
        return self.addresses_at(self.taken_at)

    def addresses_at(self, moment: datetime) -> pd.DataFrame:
        """Return the rows of ``egress`` that are valid at ``moment``."""
        rows = self.egress
        begun = rows["valid_from"].isna() | (rows["valid_from"] <= moment)
        going = rows["valid_to"].isna() | (rows["valid_to"] > moment)
        return rows[begun & going]


def members(pbx_id: str) -> tuple[str, ...]:
    """Return the PBX ids of an attribution: one, several if they share an address, none for ``""``."""
    return tuple(pbx_id.split(SHARED)) if pbx_id else ()


_FRAMES_OF: Mapping[str, Mapping[str, Any]] = {
    "calls": {
        "traffic": schemas.TRAFFIC,
        "file_only_traffic": schemas.TRAFFIC,
        "past_traffic": schemas.TRAFFIC,
        "call_patterns": schemas.CALL_PATTERNS,
        "pbx_attempts": schemas.PBX_ATTEMPTS,
    },
    "allowed_ips": {"allowed_ips": schemas.ALLOWED_IPS},
    "routes": {"numbers": schemas.NUMBERS, "routes": schemas.ROUTES, "resolved_hosts": schemas.RESOLVED_HOSTS},
    "inventory": {
        "pbxs": schemas.PBXS,
        "pbx_addresses": schemas.PBX_ADDRESSES,
        "pbx_numbers": schemas.PBX_NUMBERS,
    },
    "configurations": {"pbx_config": schemas.PBX_CONFIG},
}
"""Frames that each input fills, with their schemas."""


def egress_of(pbx_addresses: pd.DataFrame) -> pd.DataFrame:
    """
    Return the rows of PBX_ADDRESSES that count as source addresses of a PBX.

    A configured address is not an observed one: it counts only if its PBX has no address from another source and no
    other PBX is known to have it.
    """
    is_declared = pbx_addresses["source"] != "configured"
    declared_rows = pbx_addresses[is_declared]
    has_declared = pbx_addresses["pbx_id"].isin(declared_rows["pbx_id"]) | pbx_addresses["address"].isin(
        declared_rows["address"]
    )
    return pbx_addresses[is_declared | ~has_declared]
