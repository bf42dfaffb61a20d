"""From the roll-up ``traffic`` to the frames that charts take: buckets in the viewer's zone, names for ids."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.charts import KIND_OF, KINDS
from dashboard.snapshot import Snapshot

MOST_PBXS = 8
MOST_ROWS = 10
A_DAY = pd.DateOffset(days=1)
"""A day of the calendar: 23 or 25 hours where the clocks change."""
AN_HOUR = pd.Timedelta(hours=1)


def outbound(snapshot: Snapshot, *, since: datetime | None = None) -> pd.DataFrame:
    """
    Return the outbound rows of the roll-up with ``who`` and ``kind``.

    Args:
        snapshot: Attributed traffic.
        since: Only hours from this one on.

    Returns:
        Rows of TRAFFIC and ``who`` (a PBX's name, or an address nobody owns), ``kind`` (of ``charts.KINDS``).
    """
    rows = snapshot.traffic[snapshot.traffic["direction"] == "outbound"]
    if since is not None:
        rows = rows[rows["last_at"] >= since]
    names = {pbx_id: snapshot.name_of(pbx_id) for pbx_id in rows["pbx_id"].unique() if pbx_id}
    who = [names.get(pbx, f"{ip} (nobody's)") for pbx, ip in zip(rows["pbx_id"], rows["source_ip"], strict=True)]
    return rows.assign(who=who, kind=rows["outcome"].map(KIND_OF))


def refusals(rows: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """Return what ``charts.refusal_share`` takes, by day in the viewer's zone, for the busiest callers."""
    if rows.empty:
        return pd.DataFrame(columns=["who", "from_at", "until_at", "calls", "refused"])
    days = _days(rows, zone)
    busiest = days.groupby("who")["calls"].sum().nlargest(MOST_PBXS).index
    days = days[days["who"].isin(busiest)]
    days = days.assign(refused=days["calls"].where(days["kind"] == "refused_auth", 0))
    grouped = days.groupby(["who", "from_at", "until_at"], as_index=False)[["calls", "refused"]].sum()
    return grouped.astype({"calls": "int64", "refused": "int64"})


def outcomes(rows: pd.DataFrame, zone: ZoneInfo, *, by_day: bool = True) -> pd.DataFrame:
    """Return what ``charts.outcomes_over_time`` takes, by day or hour in the viewer's zone; every kind has each."""
    if rows.empty:
        return pd.DataFrame(columns=["from_at", "until_at", "kind", "calls"])
    starts = rows["hour_at"].dt.tz_convert(zone)
    starts = starts.dt.normalize() if by_day else starts
    summed = rows.assign(from_at=starts).groupby(["from_at", "kind"])["calls"].sum()
    days = pd.Index(sorted(summed.index.unique("from_at")), name="from_at")
    kinds = [kind for kind in KINDS if kind in set(rows["kind"])]
    whole = pd.MultiIndex.from_product([days, kinds], names=["from_at", "kind"])
    shown = summed.reindex(whole, fill_value=0).rename("calls").reset_index().astype({"calls": "int64"})
    return shown.assign(until_at=shown["from_at"] + (A_DAY if by_day else AN_HOUR))


def by_pbx(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what ``charts.calls_by_pbx`` takes."""
    return _top(rows, "who", "calls").groupby(["who", "kind"], as_index=False)[["calls"]].sum()


def by_code(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what ``charts.calls_by_code`` takes."""
    status = rows["sip_status"].astype("str").where(rows["sip_status"].notna(), "no code")
    named = rows.assign(code=status.str.replace("<NA>", "no code"))
    return _top(named, "code", "calls").groupby(["code", "kind"], as_index=False)[["calls"]].sum()


def by_destination(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what ``charts.top_destinations`` takes: the costliest first."""
    shown = rows.assign(minutes=rows["duration_s"].astype("float64") / 60, zone=rows["zone"].replace("", "unknown"))
    grouped = shown.groupby("zone", as_index=False)[["calls", "minutes", "cost_usd"]].sum()
    ranked = grouped.assign(rank=grouped["cost_usd"].astype("float64")).nlargest(MOST_ROWS, "rank")
    return ranked[ranked["rank"] > 0].drop(columns="rank")


def by_hour_of_week(rows: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """Return what ``charts.hour_of_week`` takes; every hour is there."""
    local = rows["hour_at"].dt.tz_convert(zone)
    summed = rows.groupby([local.dt.day_of_week.rename("weekday"), local.dt.hour.rename("hour")])["calls"].sum()
    whole = pd.MultiIndex.from_product([range(7), range(24)], names=["weekday", "hour"])
    return summed.reindex(whole, fill_value=0).rename("value").reset_index()


def policy_changes(snapshot: Snapshot, zone: ZoneInfo) -> pd.DataFrame:
    """Return ``at`` and ``sentence`` of every change to the list or the switch within the calls covered."""
    rows = []
    for before, after in zip(snapshot.versions, snapshot.versions[1:], strict=False):
        if snapshot.since is None or after.valid_from < snapshot.since:
            continue
        added = sorted(after.policy.networks - before.policy.networks)
        removed = sorted(before.policy.networks - after.policy.networks)
        said = [f"{network} allowed" for network in added] + [f"{network} removed" for network in removed]
        if before.policy.credentials_on != after.policy.credentials_on:
            said.append(f"credentials {'enabled' if after.policy.credentials_on else 'disabled'}")
        at = pd.Timestamp(after.valid_from).tz_convert(zone)
        rows.append({"at": at, "sentence": f"{at:%d %b %H:%M}: {', '.join(said)}"})
    return pd.DataFrame(rows, columns=["at", "sentence"])


def severities(findings: pd.DataFrame) -> pd.DataFrame:
    """Return what ``charts.findings_by_severity`` takes from rows with ``severity`` and ``status``."""
    return findings.groupby(["severity", "status"], as_index=False).size().rename(columns={"size": "findings"})


def _days(rows: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    start = rows["hour_at"].dt.tz_convert(zone).dt.normalize()
    return rows.assign(from_at=start, until_at=start + A_DAY)


def _top(rows: pd.DataFrame, by: str, value: str) -> pd.DataFrame:
    return rows[rows[by].isin(rows.groupby(by)[value].sum().nlargest(MOST_ROWS).index)]
