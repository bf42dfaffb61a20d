"""What calls say of an address: since when they count, how many there were, and the sentences for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow

from dashboard.addresses import contains
from dashboard.capabilities import Capability
from dashboard.snapshot import Snapshot
from dashboard.tables import OUTCOME_LABELS, UTC_TIME

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
KEYS = ("source_ip", "pbx_id", "attributed_by", "outcome", "sip_status", "today", "in_day", "orphaned")
BY_TAG = "; that it is this PBX only the X-Tag says, which any caller can write"
REFUSED = ("refused_auth",)
REFUSED_WITHOUT_CREDENTIALS = ("refused_auth", "refused_unknown")
"""With credentials off, what a call without the prefix is refused with is not known: any 403 is a refusal."""


class Calls:
    """
    The outbound calls of a snapshot by source address: the only ones that say anything of admission.

    Rows carry ``KEYS`` and ``calls``, ``cost_usd``, ``first_at``, ``last_at``. ``today``: from after the latest
    policy change for the source, what came before is history. ``in_day``: reaching into the last 24 hours.
    ``orphaned``: from after the last PBX left the source address, as far as anybody wrote it down.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        rows = snapshot.traffic[snapshot.traffic["direction"] == "outbound"]
        sources = rows["source_ip"].unique()
        changes = {source: counts_from(change) for source in sources if (change := changed_at(snapshot, source))}
        ends = snapshot.pbx_addresses.sort_values("valid_to").drop_duplicates("address", keep="last")
        rows = rows.assign(
            today=_begins(rows, pd.Series(changes, dtype=UTC_TIME)),
            in_day=rows["last_at"] > snapshot.taken_at - DAY,
            orphaned=_begins(rows, ends.set_index("address")["valid_to"]),
        )
        sums = [("calls", "sum"), ("cost_usd", "sum"), ("first_at", "min"), ("last_at", "max")]
        table = pyarrow.Table.from_pandas(rows[[*KEYS, *(name for name, _ in sums)]], preserve_index=False)
        found: pd.DataFrame = table.group_by(list(KEYS)).aggregate(sums).to_pandas(types_mapper=pd.ArrowDtype)
        found = found.rename(columns={f"{name}_{how}": name for name, how in sums})
        self._none = found.head(0)
        self.by_source = {str(source): group for source, group in found.groupby("source_ip")}

    def of(self, network: str) -> pd.DataFrame:
        """Return the rows whose source address is in a network, over the whole window."""
        found = [rows for source, rows in self.by_source.items() if contains([network], source)]
        return pd.concat(found) if found else self._none


def _begins(rows: pd.DataFrame, since: pd.Series[pd.Timestamp]) -> pd.Series[bool]:
    """Say of each row whether it begins at or after an instant of its source; true where there is none."""
    instants = pd.Series(since.reindex(rows["source_ip"]).array, index=rows.index)
    return instants.isna() | (rows["first_at"] >= instants)


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


def refused(snapshot: Snapshot, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of calls refused for authorization, as far as today's switch lets one tell."""
    outcomes = REFUSED_WITHOUT_CREDENTIALS if snapshot.account.credentials_on is False else REFUSED
    return rows[rows["outcome"].isin(outcomes)]


def admitted(snapshot: Snapshot, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of calls let in: every outcome that is no refusal, busy and no answer too."""
    return rows.drop(refused(snapshot, rows).index)


def last_day(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that reach into the last 24 hours."""
    return rows[rows["in_day"]]


def count(rows: pd.DataFrame) -> int:
    """Return how many calls the rows stand for."""
    return int(rows["calls"].sum())


def dollars(rows: pd.DataFrame) -> Decimal:
    """Return what the calls cost, in USD."""
    return sum(rows["cost_usd"], Decimal(0))


def calls_and_dollars(rows: pd.DataFrame) -> str:
    """Write ``318 calls, $41.20``."""
    number = count(rows)
    return f"{number:,} {'call' if number == 1 else 'calls'}, ${dollars(rows):,.2f}"


def over_time(rows: pd.DataFrame) -> str:
    """Write how many calls there were and what they cost, the last 24 hours first; at least one row."""
    day, whole = last_day(rows), f"{calls_and_dollars(rows)} since {moment(rows['first_at'].min())}"
    return f"{calls_and_dollars(day)} in the last 24 h, {whole}" if len(day) else f"{whole}, none in the last 24 h"


def summary(rows: pd.DataFrame) -> tuple[Mapping[str, Any], ...]:
    """Return evidence: a row an outcome and SIP status, the most frequent first."""
    found = []
    for _, group in rows.groupby(["outcome", "sip_status"], dropna=False):
        day, status = last_day(group), group["sip_status"].iloc[0]
        found.append(
            {
                "outcome": OUTCOME_LABELS[group["outcome"].iloc[0]],
                "SIP status": None if pd.isna(status) else int(status),
                "calls in 24 h": count(day),
                "calls": count(group),
                "cost in 24 h (USD)": f"{dollars(day):f}",
                "cost (USD)": f"{dollars(group):f}",
                "first call": group["first_at"].min().isoformat(),
                "last call": group["last_at"].max().isoformat(),
            }
        )
    return tuple(sorted(found, key=lambda row: -row["calls"]))


def told(snapshot: Snapshot, rows: pd.DataFrame, became: str) -> str:
    """
    Write ``318 calls were refused in the last 24 h``, or when the last was; ``""`` for no calls.

    Where the policy changed within those hours it is ``since`` that: what came before is history.

    Args:
        snapshot: For its versions and its time.
        rows: Calls of one source address, from after the latest policy change.
        became: What became of them.
    """
    if rows.empty:
        return ""
    day, change = last_day(rows), changed_at(snapshot, str(rows["source_ip"].iloc[0]))
    number = count(day) or count(rows)
    when = "in the last 24 h" if len(day) else f"until {moment(rows['last_at'].max())}"
    if change is not None and change > snapshot.taken_at - DAY:
        when = f"since the policy changed at {moment(change)}"
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
