"""Data frames for charts, from the call cube: buckets in the viewer's time zone, outcomes grouped into kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.calls import Cube, confirmed_callers
from dashboard.calls.analytics import CubePart, has_utc_hours
from dashboard.calls.replay import admission_proofs
from dashboard.charts.charts import KIND_OF_OUTCOME, OUTCOME_KINDS
from dashboard.domain.findings import Finding
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import ADMISSION, REFUSAL

MOST_PBXS = 8
MOST_ROWS = 10
A_DAY = pd.DateOffset(days=1)
"""A calendar day, which has 23 or 25 hours at a daylight saving time change."""
AN_HOUR = pd.Timedelta(hours=1)


def outbound(snapshot: Snapshot) -> pd.DataFrame:
    """
    Return the outbound rows of the snapshot's traffic with their callers and kinds; computed once per snapshot.

    Args:
        snapshot: Attributed traffic, split 24 hours ago.

    Returns:
        Rows of TRAFFIC with ``confirmed``, ``placed_by`` and ``who`` (see ``counted_callers``), ``kind`` (of
        ``charts.OUTCOME_KINDS``), ``refused`` and ``admitted`` (numbers of calls that prove it; the other calls prove
        neither). Shared between callers, which must not change it.
    """
    return snapshot.memoize(_outbound)


def outbound_of_last_day(snapshot: Snapshot) -> pd.DataFrame:
    """Return the rows of ``outbound`` whose last call is of the last 24 hours on record; see there."""
    return snapshot.memoize(_outbound_of_last_day)


def _outbound(snapshot: Snapshot) -> pd.DataFrame:
    return _labeled(snapshot, snapshot.traffic[snapshot.traffic["direction"] == "outbound"])


def _outbound_of_last_day(snapshot: Snapshot) -> pd.DataFrame:
    rows = snapshot.traffic[snapshot.traffic["last_at"] >= snapshot.calls_at - timedelta(days=1)]
    return _labeled(snapshot, rows[rows["direction"] == "outbound"])


def _labeled(snapshot: Snapshot, rows: pd.DataFrame) -> pd.DataFrame:
    proven = admission_proofs(rows, snapshot.versions, snapshot.observed)
    return rows.assign(
        **confirmed_callers.counted_callers(snapshot, rows),
        kind=rows["outcome"].map(KIND_OF_OUTCOME),
        refused=rows["calls"].where(proven == REFUSAL, 0),
        admitted=rows["calls"].where(proven == ADMISSION, 0),
    )


class LastDay(NamedTuple):
    """Counts of outbound calls in the last 24 hours on record."""

    calls: int
    admitted: int
    refused: int


def last_day(snapshot: Snapshot) -> LastDay:
    """Count the outbound calls of the last 24 hours on record, those proven admitted, and those proven refused."""
    rows = outbound_of_last_day(snapshot)
    return LastDay(int(rows["calls"].sum()), int(rows["admitted"].sum()), int(rows["refused"].sum()))


def refused_unnamed(snapshot: Snapshot) -> list[str]:
    """
    Return the callers with authorization refusals whose outcome is not ``refused_auth``.

    A count by outcome misses these calls.
    """
    rows = outbound(snapshot)
    return sorted(rows.loc[(rows["refused"] > 0) & (rows["outcome"] != "refused_auth"), "who"].unique())


def refusals(cube: Cube, zone: ZoneInfo) -> pd.DataFrame:
    """Return the frame for ``charts.refusal_share``, by day in the viewer's time zone, for the busiest callers."""
    days = cube.sums("who", "outcome", step="day", zone=zone)
    if days.empty:
        return pd.DataFrame(columns=["who", "from_at", "until_at", "calls", "refused"])
    busiest = days.groupby("who")["calls"].sum().nlargest(MOST_PBXS).index
    days = days[days["who"].isin(busiest)]
    days = days.assign(refused=days["calls"].where(days["outcome"] == "refused_auth", 0), from_at=days["at"])
    grouped = days.groupby(["who", "from_at"], as_index=False)[["calls", "refused"]].sum()
    return grouped.assign(until_at=grouped["from_at"] + A_DAY)


def outcomes(cube: Cube, part: CubePart, until: datetime, zone: ZoneInfo, *, by_day: bool = True) -> pd.DataFrame:
    """
    Return the frame for ``charts.outcomes_over_time``.

    Each kind that occurs has a row for every day or hour of the time zone up to ``until``, also without calls.
    """
    sums = _kinds(cube.sums("outcome", part=part, step="day" if by_day else "hour", zone=zone), "at")
    if sums.empty and part.since is None:
        return pd.DataFrame(columns=["from_at", "until_at", "kind", "calls"])
    step = "D" if by_day else "h"
    requested_start = (
        None if part.since is None else pd.Timestamp(part.since).floor("15min" if by_day else "h").tz_convert(zone)
    )
    first = sums["at"].min() if requested_start is None else requested_start
    begin, end = (at.normalize() if by_day else at for at in (first, pd.Timestamp(until).tz_convert(zone)))
    starts = pd.date_range(begin, end, freq=step, name="from_at")
    if not sums.empty:
        starts = starts.union(pd.Index(sums["at"].unique()))
    kinds = [kind for kind in OUTCOME_KINDS if kind in set(sums["kind"])] or [next(iter(OUTCOME_KINDS))]
    whole = pd.MultiIndex.from_product([starts, kinds], names=["from_at", "kind"])
    summed = sums.rename(columns={"at": "from_at"}).set_index(["from_at", "kind"])["calls"]
    filled = summed.reindex(whole, fill_value=0).reset_index()
    return filled.assign(until_at=filled["from_at"] + (A_DAY if by_day else AN_HOUR))


def by_pbx(cube: Cube, part: CubePart) -> pd.DataFrame:
    """Return the frame for ``charts.calls_by_pbx``."""
    return _top(_kinds(cube.sums("who", "outcome", part=part), "who"), "who", "calls")


def by_code(cube: Cube, part: CubePart) -> pd.DataFrame:
    """Return the frame for ``charts.calls_by_code``."""
    return _top(_kinds(cube.sums("code", "outcome", part=part), "code"), "code", "calls")


def by_destination(cube: Cube, part: CubePart) -> pd.DataFrame:
    """Return the frame for ``charts.top_destinations``, most expensive first."""
    sums = cube.sums("zone", part=part)
    rows = sums.assign(minutes=sums["duration_s"] / 60, rank=sums["cost_usd"].astype("float64"))
    ranked = rows.nlargest(MOST_ROWS, "rank")
    return ranked.loc[ranked["rank"] > 0, ["zone", "calls", "minutes", "cost_usd"]]


def zone_of_hours(zone: ZoneInfo, since: datetime, until: datetime) -> ZoneInfo:
    """Return ``zone`` if its hours start at full UTC hours throughout the period, else UTC."""
    return zone if has_utc_hours(zone, since, until) else ZoneInfo("UTC")


def hours_note(drawn_zone: ZoneInfo, zone: ZoneInfo) -> str:
    """Return a sentence that names the time zone of the drawn hours and, if it is UTC instead of ``zone``, why."""
    if drawn_zone.key == zone.key:
        return f"Hours are those of {zone.key}."
    return f"Hours are those of UTC: calls are added up by its hours, and those of {zone.key} begin within them."


def by_hour_of_week(cube: Cube, part: CubePart, zone: ZoneInfo) -> pd.DataFrame:
    """Return the frame for ``charts.hour_of_week`` with all 168 hours; ``zone`` is a result of ``zone_of_hours``."""
    sums = cube.sums(part=part, step="week", zone=zone).set_index("at")["calls"]
    whole = sums.reindex(range(7 * 24), fill_value=0)
    return pd.DataFrame({"weekday": whole.index // 24, "hour": whole.index % 24, "value": whole.to_numpy()})


def policy_changes(snapshot: Snapshot, zone: ZoneInfo) -> pd.DataFrame:
    """Return ``at`` and ``sentence`` of every change to the allow list or the credentials switch in the call period."""
    rows = []
    for before, after in zip(snapshot.versions, snapshot.versions[1:], strict=False):
        if snapshot.since is None or after.valid_from < snapshot.since:
            continue
        added = sorted(after.policy.networks - before.policy.networks)
        removed = sorted(before.policy.networks - after.policy.networks)
        clauses = [f"{network} allowed" for network in added] + [f"{network} removed" for network in removed]
        if before.policy.credentials_on != after.policy.credentials_on:
            clauses.append(f"credentials {'enabled' if after.policy.credentials_on else 'disabled'}")
        at = pd.Timestamp(after.valid_from).tz_convert(zone)
        rows.append({"at": at, "sentence": f"{at:%d %b %H:%M}: {', '.join(clauses)}"})
    return pd.DataFrame(rows, columns=["at", "sentence"])


def severities(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return the frame for ``charts.findings_by_severity``."""
    counts = Counter((str(finding.severity), str(finding.status)) for finding in findings)
    rows = [(severity, status, number) for (severity, status), number in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["severity", "status", "findings"])


def _kinds(sums: pd.DataFrame, by: str) -> pd.DataFrame:
    """Sum the calls per kind of outcome that charts distinguish."""
    with_kind = sums.assign(kind=sums["outcome"].map(KIND_OF_OUTCOME))
    return with_kind.groupby([by, "kind"], as_index=False)[["calls"]].sum()


def _top(rows: pd.DataFrame, by: str, value: str) -> pd.DataFrame:
    return rows[rows[by].isin(rows.groupby(by)[value].sum().nlargest(MOST_ROWS).index)]
