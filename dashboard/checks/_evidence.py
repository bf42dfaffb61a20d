"""What calls say of an address: since when they count, how many there were, and the sentences for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from dashboard.addresses import contains
from dashboard.capabilities import Capability
from dashboard.snapshot import Snapshot
from dashboard.tables import OUTCOME_LABELS

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
COLUMNS = (
    "source_ip",
    "pbx_id",
    "attributed_by",
    "outcome",
    "sip_status",
    "calls",
    "cost_usd",
    "first_at",
    "last_at",
)
"""What of the traffic bears on admission."""
BY_TAG = "; that it is this PBX only the X-Tag says, which any caller can write"
REFUSED = ("refused_auth",)
REFUSED_WITHOUT_CREDENTIALS = ("refused_auth", "refused_unknown")
"""With credentials off, what a call without the prefix is refused with is not known: any 403 is a refusal."""


class Calls:
    """The outbound calls of a snapshot by source address: the only ones that say anything of admission."""

    def __init__(self, snapshot: Snapshot) -> None:
        rows = snapshot.traffic.loc[snapshot.traffic["direction"] == "outbound", list(COLUMNS)]
        self._none = rows.head(0)
        self.by_source = {str(source): group for source, group in rows.groupby("source_ip")}

    def of(self, network: str) -> pd.DataFrame:
        """Return the rows whose source address is in a network, over the whole window."""
        found = [rows for source, rows in self.by_source.items() if contains([network], source)]
        return found[0] if len(found) == 1 else pd.concat(found) if found else self._none


def changed_at(snapshot: Snapshot, address: str) -> datetime | None:
    """
    Return the latest instant at which the policy for an address changed.

    That is its place on the list, the credentials switch, or the tech prefix. The first version on record
    is not a change: it is what was found.
    """
    kept = [
        (contains(v.policy.networks, address), v.policy.credentials_on, v.policy.tech_prefix) for v in snapshot.versions
    ]
    changes = [n for n in range(1, len(kept)) if kept[n] != kept[n - 1]]
    return snapshot.versions[changes[-1]].valid_from if changes else None


def counts_from(change: datetime) -> datetime:
    """Return from when calls speak of the policy after a change: CDRs carry whole seconds, so its own says nothing."""
    return change.replace(microsecond=0) + SECOND


def of_today(snapshot: Snapshot, address: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of an address from after its latest policy change; what came before is history."""
    change = changed_at(snapshot, address)
    return rows if change is None else rows[rows["first_at"] >= counts_from(change)]


def refused(snapshot: Snapshot, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of calls refused for authorization, as far as today's switch lets one tell."""
    outcomes = REFUSED_WITHOUT_CREDENTIALS if snapshot.account.credentials_on is False else REFUSED
    return rows[rows["outcome"].isin(outcomes)]


def admitted(snapshot: Snapshot, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of calls let in: every outcome that is no refusal, busy and no answer too."""
    return rows.drop(refused(snapshot, rows).index)


def last_day(snapshot: Snapshot, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that reach into the last 24 hours."""
    return rows[rows["last_at"] > snapshot.taken_at - DAY]


def count(rows: pd.DataFrame) -> int:
    """Return how many calls the rows stand for."""
    return int(rows["calls"].sum())


def dollars(rows: pd.DataFrame) -> Decimal:
    """Return what the calls cost, in USD."""
    return Decimal(str(rows["cost_usd"].sum())) if len(rows) else Decimal(0)


def calls_and_dollars(rows: pd.DataFrame) -> str:
    """Write ``318 calls, $41.20``."""
    number = count(rows)
    return f"{number:,} {'call' if number == 1 else 'calls'}, ${dollars(rows):,.2f}"


def over_time(snapshot: Snapshot, rows: pd.DataFrame) -> str:
    """Write how many calls there were and what they cost, the last 24 hours first; at least one row."""
    day, whole = last_day(snapshot, rows), f"{calls_and_dollars(rows)} since {moment(rows['first_at'].min())}"
    return f"{calls_and_dollars(day)} in the last 24 h, {whole}" if len(day) else f"{whole}, none in the last 24 h"


def summary(snapshot: Snapshot, rows: pd.DataFrame) -> tuple[Mapping[str, Any], ...]:
    """Return evidence: a row an outcome and SIP status, the most frequent first."""
    if rows.empty:
        return ()
    day = rows["calls"].where(rows["last_at"] > snapshot.taken_at - DAY, 0)
    found = (
        rows.assign(day=day, day_usd=rows["cost_usd"].where(day > 0, Decimal(0)))
        .groupby(["outcome", "sip_status"], dropna=False, observed=True)
        .agg(
            day=("day", "sum"),
            calls=("calls", "sum"),
            day_usd=("day_usd", "sum"),
            usd=("cost_usd", "sum"),
            first=("first_at", "min"),
            last=("last_at", "max"),
        )
        .reset_index()
        .sort_values("calls", ascending=False, kind="stable")
    )
    return tuple(
        {
            "outcome": OUTCOME_LABELS[row["outcome"]],
            "SIP status": None if pd.isna(row["sip_status"]) else int(row["sip_status"]),
            "calls in 24 h": int(row["day"]),
            "calls": int(row["calls"]),
            "cost in 24 h (USD)": str(row["day_usd"]),
            "cost (USD)": str(row["usd"]),
            "first call": row["first"].isoformat(),
            "last call": row["last"].isoformat(),
        }
        for row in found.to_dict("records")
    )


def told(snapshot: Snapshot, rows: pd.DataFrame, became: str) -> str:
    """Write ``318 calls were refused in the last 24 h``, or when the last was; ``""`` for no calls."""
    if rows.empty:
        return ""
    day = last_day(snapshot, rows)
    number = count(day) or count(rows)
    when = "in the last 24 h" if len(day) else f"until {moment(rows['last_at'].max())}"
    return f"{number:,} {'call was' if number == 1 else 'calls were'} {became} {when}"


def silence(snapshot: Snapshot) -> str:
    """Write that no calls are on record, and whether that says anything."""
    if Capability.REFUSALS_IN_CDRS in snapshot.capabilities:
        return "no call from it is on record"
    return "no call from it is on record, and the carrier may not write refused calls into its CDRs"


def heard_since_change(snapshot: Snapshot, address: str) -> bool:
    """Say whether calls were fetched after the latest policy change of an address, so that silence means something."""
    change, fetched = changed_at(snapshot, address), snapshot.freshness["calls"].as_of
    return change is None or (fetched is not None and fetched > counts_from(change))


def callers(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the ids of the PBXs that calls are attributed to, the most frequent first."""
    calls = rows[rows["pbx_id"] != ""].groupby("pbx_id")["calls"].sum().sort_values(ascending=False)
    return tuple(str(pbx_id) for pbx_id in calls.index)


def moment(at: datetime) -> str:
    """Write a time as a sentence says it, in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def named(snapshot: Snapshot, pbx_ids: tuple[str, ...], address: str) -> str:
    """Write ``Denver (198.51.100.24)``; the address alone where no PBX goes with it."""
    names = " and ".join(snapshot.name_of(pbx_id) for pbx_id in pbx_ids)
    return f"{names} ({address})" if names else address
