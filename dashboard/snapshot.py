"""The account, the inventory and the calls as they stood at one instant: what checks and pages read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

from dashboard import tables
from dashboard.capabilities import Capability
from dashboard.policy import Observations, Policy, PolicyVersion

Made = TypeVar("Made")


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
        """Say whether the input is fresh, stale or missing at ``now``."""
        if self.as_of is None:
            return Age.MISSING
        return Age.STALE if now - self.as_of > timedelta(seconds=self.stale_after_s) else Age.FRESH


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
    Frames by the contracts of ``tables``, the account, and how fresh each input is.

    ``traffic`` is attributed (``pbx_id``), covers ``[since, taken_at)``, and none of its rows
    straddles an instant of ``versions``; there are few rows, however many calls.
    """

    taken_at: datetime
    account: Account
    allowed_ips: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.ALLOWED_IPS))
    entry_periods: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.ENTRY_PERIODS))
    """Since when each entry is on the list and who put it there, by this product's records, and earlier times."""
    pbxs: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.PBXS))
    pbx_addresses: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.PBX_ADDRESSES))
    pbx_numbers: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.PBX_NUMBERS))
    pbx_config: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.PBX_CONFIG))
    numbers: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.NUMBERS))
    routes: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.ROUTES))
    edges: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.EDGES))
    limits: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.LIMITS))
    traffic: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.TRAFFIC))
    file_only_traffic: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.TRAFFIC))
    """Calls of imported files that the carrier's export of their time does not have: in no total, but judged."""
    pbx_records: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.PBX_RECORDS))
    pbx_attempts: pd.DataFrame = field(default_factory=lambda: tables.empty(tables.PBX_ATTEMPTS))
    """What PBXs themselves recorded since ``window_start``, split at the same changes as ``traffic``."""
    pbx_freshness: Mapping[str, Freshness] = field(default_factory=dict)
    """By PBX: until when its own records reach. One that is not there has none, and nothing is concluded of it."""
    since: datetime | None = None
    """Start of the calls covered; ``None`` where no call was ever loaded."""
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

    def name_of(self, pbx_id: str) -> str:
        """Return the PBX's name as people say it, with its id where two have one name; the id where it has none."""
        return self._names.get(pbx_id) or pbx_id

    @cached_property
    def _names(self) -> dict[str, str]:
        rows = self.pbxs.drop_duplicates("pbx_id")
        named = rows["name"].where(~rows["name"].duplicated(keep=False), rows["name"] + " (" + rows["pbx_id"] + ")")
        return dict(zip(rows["pbx_id"], named.where(rows["name"] != "", ""), strict=True))

    @cached_property
    def owners(self) -> Mapping[str, tuple[str, bool]]:
        """By address the PBX that calls from it now, or else the last that did, and whether it is now."""
        ever = self.egress.drop_duplicates("address", keep="last")
        now = self.addresses_now.drop_duplicates("address")
        found = {address: (pbx_id, False) for address, pbx_id in zip(ever["address"], ever["pbx_id"], strict=True)}
        return found | {address: (pbx_id, True) for address, pbx_id in zip(now["address"], now["pbx_id"], strict=True)}

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
