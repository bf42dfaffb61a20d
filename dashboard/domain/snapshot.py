"""The account, the inventory and the calls as they stood at one instant: what checks and pages read."""

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
"""Joins the ids of PBXs that share an address; no id contains it."""


class Age(StrEnum):
    """How old an input is, measured against what its kind may be."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True)
class Freshness:
    """When an input was last read or confirmed, and for how many seconds that counts as fresh."""

    as_of: datetime | None
    stale_after_s: int

    def age(self, now: datetime) -> Age:
        """
        Say whether the input is fresh, stale or missing at ``now``.

        An input that was read at a time in the future is stale: how old it is cannot be known.
        """
        if self.as_of is None:
            return Age.MISSING
        if self.to_come(now):
            return Age.STALE
        return Age.STALE if now - self.as_of > timedelta(seconds=self.stale_after_s) else Age.FRESH

    def to_come(self, now: datetime) -> bool:
        """Whether the input was read at a time that is in the future at ``now``."""
        return self.as_of is not None and to_come(self.as_of, now)

    def until(self, now: datetime) -> datetime:
        """Return until when the input speaks at ``now``: when it was read where that is too long ago, else ``now``."""
        return now if self.as_of is None or self.age(now) is not Age.STALE else min(self.as_of, now)


@dataclass(frozen=True)
class Account:
    """What the carrier calls the account's profile, as far as this product uses it."""

    tech_prefix: str
    credentials_on: bool | None
    known_by: str = "carrier"
    sample: bool = False
    name: str = ""


@dataclass(frozen=True)
class Snapshot:
    """
    Frames by the contracts of ``schemas``, the account, and how fresh each input is.

    ``traffic`` is attributed (``pbx_id``), covers ``[since, taken_at)``, and none of its rows
    straddles an instant of ``versions``; there are few rows, however many calls.
    """

    taken_at: datetime
    account: Account
    allowed_ips: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.ALLOWED_IPS))
    entry_periods: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.ENTRY_PERIODS))
    """Since when each entry is on the list and who put it there, by this product's records, and earlier times."""
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
    Hours and zones of sources that only claim to be a PBX, calls of imported files included, and of that PBX's own
    addresses by the carrier's records; attributed.
    """
    past_traffic: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.TRAFFIC))
    """
    As ``traffic``: the calls before ``window_start`` and the latest change of the policy or its first record; those of
    imported files only are among them, marked by ``provenance``.
    """
    loss_reviews: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.LOSS_REVIEWS))
    """Every review of a past loss, oldest first."""
    file_only_traffic: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.TRAFFIC))
    """Calls of imported files that the carrier's export of their time does not have: in no total, but judged."""
    pbx_records: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.PBX_RECORDS))
    pbx_attempts: pd.DataFrame = field(default_factory=lambda: schemas.empty(schemas.PBX_ATTEMPTS))
    """What PBXs themselves recorded since ``window_start``, split at the same changes as ``traffic``."""
    pbx_freshness: Mapping[str, Freshness] = field(default_factory=dict)
    """By PBX: until when its own records reach. One that is not there has none, and nothing is concluded of it."""
    since: datetime | None = None
    """Start of the calls covered; ``None`` where no call was ever loaded."""
    calls_from: datetime | None = None
    """Start of the time whose calls were fetched or imported, from which on silence means something."""
    window_start: datetime | None = None
    """From when on calls were looked for."""
    split_at: tuple[datetime, ...] = ()
    """Where ``traffic`` is split: a policy or an address changed, or the last 24 hours began."""
    versions: tuple[PolicyVersion, ...] = ()
    """Policies by the instant from which each was in force, oldest first; the last is today's."""
    observed: Observations = field(default_factory=Observations)
    capabilities: frozenset[Capability] = frozenset()
    freshness: Mapping[str, Freshness] = field(default_factory=dict)
    """
    By input: ``calls``, ``allowed_ips``, ``credentials``, ``routes``, ``inventory``, and ``configurations`` where
    some PBX was read.
    """
    treated_as_public: tuple[str, ...] = ()
    silent_days: int = 28

    @cached_property
    def policy(self) -> Policy:
        """Today's policy, from the frames themselves."""
        return Policy(
            networks=frozenset(self.allowed_ips["network"]),
            credentials_on=self.account.credentials_on,
            tech_prefix=self.account.tech_prefix,
            prefix_known=bool(self.account.tech_prefix),
        )

    def age(self, name: str) -> Age:
        """Return how old an input is; ``MISSING`` where nothing is recorded of it."""
        return self.freshness[name].age(self.taken_at) if name in self.freshness else Age.MISSING

    @property
    def calls_at(self) -> datetime:
        """
        Until when the calls speak: now, or when they were last fetched where that is too long ago.

        Windows such as "the last 24 hours" end here: hours without a sync must not look like hours without calls.
        """
        return self.freshness.get("calls", Freshness(None, 0)).until(self.taken_at)

    def to_come(self, name: str) -> bool:
        """Whether an input was read at a time in the future: a clock or a time zone is wrong."""
        return name in self.freshness and self.freshness[name].to_come(self.taken_at)

    def without(self, names: Collection[str]) -> Snapshot:
        """
        Return the snapshot as if some inputs had never been read.

        Args:
            names: Inputs, by their names in ``freshness``.
        """
        gone: dict[str, Any] = {}
        for name in names:
            gone |= {frame: schemas.empty(schema) for frame, schema in _FRAMES_OF.get(name, {}).items()}
        if "credentials" in names:
            gone["account"] = replace(self.account, credentials_on=None)
        if "calls" in names:
            gone["since"] = None
        freshness = {
            name: Freshness(None, fresh.stale_after_s) if name in names else fresh
            for name, fresh in self.freshness.items()
        }
        return replace(self, freshness=freshness, **gone)

    def name_of(self, pbx_id: str) -> str:
        """
        Return the PBX's name as people say it, with its id where two have one name; the id where it has none.

        Ids joined by ``SHARED`` give ``one of Denver, Seattle``.
        """
        if SHARED in pbx_id:
            return f"one of {', '.join(map(self.name_of, members(pbx_id)))}"
        return self._names.get(pbx_id) or pbx_id

    @cached_property
    def _names(self) -> dict[str, str]:
        rows = self.pbxs.drop_duplicates("pbx_id")
        named = rows["name"].where(~rows["name"].duplicated(keep=False), rows["name"] + " (" + rows["pbx_id"] + ")")
        return dict(zip(rows["pbx_id"], named.where(rows["name"] != "", ""), strict=True))

    @cached_property
    def owners(self) -> Mapping[str, tuple[tuple[str, ...], bool]]:
        """Return by address the PBXs that call from it now, or else the last that did, and whether it is now."""
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
        """Return the PBXs that call from an address or from inside a network now, or else the last that did."""
        inside = [self.owners[network]] if network in self.owners else []
        if "/" in network:
            inside = [owners for address, owners in self.owners.items() if contains((network,), address)]
        for now in (True, False):
            if pbx_ids := tuple(dict.fromkeys(one for ids, is_now in inside for one in ids if is_now is now)):
                return pbx_ids, now
        return (), False

    @property
    def window_days(self) -> int:
        """How many days of calls were looked for, at least one."""
        return max(1, (self.taken_at - (self.window_start or self.taken_at)).days)

    @cached_property
    def listed_since(self) -> Mapping[str, Mapping[str, Any]]:
        """The current row of ``entry_periods`` by network."""
        rows = self.entry_periods[self.entry_periods["until"].isna()].to_dict("records")
        return {row["network"]: {str(name): value for name, value in row.items()} for row in rows}

    @cached_property
    def judged_traffic(self) -> pd.DataFrame:
        """The traffic that checks judge: ``traffic`` and, marked by ``provenance``, ``file_only_traffic``."""
        if self.file_only_traffic.empty:
            return self.traffic
        return pd.concat([self.traffic, self.file_only_traffic], ignore_index=True)

    @cached_property
    def egress(self) -> pd.DataFrame:
        """The rows of ``pbx_addresses`` that count as what a PBX calls from: see ``egress_of``."""
        return egress_of(self.pbx_addresses)

    def once(self, make: Callable[[Snapshot], Made]) -> Made:
        """Return what ``make`` makes of this snapshot. It is made once, for whoever asks; nobody may change it."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    @cached_property
    def _made(self) -> dict[Callable[[Snapshot], Any], Any]:
        return {}

    @cached_property
    def addresses_now(self) -> pd.DataFrame:
        """The rows of ``egress`` that are valid now."""
        return self.addresses_at(self.taken_at)

    def addresses_at(self, moment: datetime) -> pd.DataFrame:
        """Return the rows of ``egress`` that are valid at ``moment``."""
        rows = self.egress
        begun = rows["valid_from"].isna() | (rows["valid_from"] <= moment)
        going = rows["valid_to"].isna() | (rows["valid_to"] > moment)
        return rows[begun & going]


def members(pbx_id: str) -> tuple[str, ...]:
    """Return the ids of the PBXs behind an attribution: one, several where they share an address, none for ``""``."""
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
"""The frames that each input fills."""


def egress_of(pbx_addresses: pd.DataFrame) -> pd.DataFrame:
    """
    Return the rows of PBX_ADDRESSES that count as what a PBX calls from.

    Configured is not observed: a configured address counts only where nothing else is known of its PBX, and where
    no other PBX is known to have it.
    """
    told = pbx_addresses["source"] != "configured"
    known = pbx_addresses[told]
    beside = pbx_addresses["pbx_id"].isin(known["pbx_id"]) | pbx_addresses["address"].isin(known["address"])
    return pbx_addresses[told | ~beside]
