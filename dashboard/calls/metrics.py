"""
What the calls add up to: pure functions of an attributed TRAFFIC frame, a filter away from any page.

ASR is answered / attempts (ITU-T E.411 as commonly reported: busy and no answer count against it). The
refusal share is refused for authorization / attempts, of outbound calls; where the carrier does not
write refused attempts into its CDRs it is a lower bound. Minutes are talk time, not billed time.
Times are UTC; ``who`` is the PBX's id, or the source address where the call belongs to none.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import pandas as pd

from dashboard import tables

ANSWERED, REFUSED = "answered", "refused_auth"
MIN_SAMPLE = 20
"""A share of fewer calls says more about chance than about a PBX; it is not shown."""
Bucket = Literal["hour", "day"]
_FLOOR = {"hour": "h", "day": "D"}
_SUMS = ["calls", "answered", "refused", "duration_s", "cost_usd"]


@dataclass(frozen=True)
class Ratio:
    """A share with what it was made of."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; ``None`` below the minimum sample."""
        return self.numerator / self.denominator if self.denominator >= MIN_SAMPLE else None


@dataclass(frozen=True)
class Totals:
    """Sums over a frame."""

    calls: int
    answered: int
    refused: int
    """For authorization."""
    minutes: float
    cost_usd: Decimal

    @property
    def asr(self) -> Ratio:
        """Answer-seizure ratio."""
        return Ratio(self.answered, self.calls)

    @property
    def refusal_share(self) -> Ratio:
        """Refused for authorization of all attempts."""
        return Ratio(self.refused, self.calls)


def totals(traffic: pd.DataFrame) -> Totals:
    """Sum a TRAFFIC frame."""
    rows = _counted(traffic)
    cost = rows["cost_usd"].sum() if len(rows) else Decimal(0)
    return Totals(
        calls=int(rows["calls"].sum()),
        answered=int(rows["answered"].sum()),
        refused=int(rows["refused"].sum()),
        minutes=float(rows["duration_s"].sum()) / 60,
        cost_usd=cost if isinstance(cost, Decimal) else Decimal(str(cost)),
    )


def outcome_series(traffic: pd.DataFrame, bucket: Bucket = "day") -> pd.DataFrame:
    """Return ``at``, ``outcome``, ``calls``: how calls ended, over time."""
    rows = traffic.assign(at=traffic["hour_at"].dt.floor(_FLOOR[bucket]))
    return rows.groupby(["at", "outcome"], as_index=False)[["calls"]].sum()


def cost_series(traffic: pd.DataFrame, bucket: Bucket = "hour") -> pd.DataFrame:
    """Return ``at``, ``calls``, ``cost_usd`` over time."""
    rows = traffic.assign(at=traffic["hour_at"].dt.floor(_FLOOR[bucket]))
    return rows.groupby("at", as_index=False)[["calls", "cost_usd"]].sum()


def refusal_share_by_pbx(traffic: pd.DataFrame, bucket: Bucket = "day") -> pd.DataFrame:
    """
    Return the refusal share of outbound calls over time.

    Args:
        traffic: Attributed TRAFFIC.
        bucket: Width of a step in time.

    Returns:
        ``at``, ``who``, ``pbx_id``, ``calls`` (n), ``refused``, ``share`` (missing below ``MIN_SAMPLE``).
    """
    rows = _named(_counted(traffic[traffic["direction"] == "outbound"]))
    rows["at"] = rows["hour_at"].dt.floor(_FLOOR[bucket])
    grouped = rows.groupby(["at", "who", "pbx_id"], as_index=False)[["calls", "refused"]].sum()
    return grouped.assign(share=_share(grouped["refused"], grouped["calls"]))


def by_pbx(traffic: pd.DataFrame) -> pd.DataFrame:
    """Return a row per ``who``: the sums, ``asr`` and ``refusal_share`` (missing when few), first and last call."""
    return _summed(_named(_counted(traffic)), ["who", "pbx_id"])


def by_source(traffic: pd.DataFrame) -> pd.DataFrame:
    """Return a row per source address and PBX, as ``by_pbx``."""
    return _summed(_counted(traffic), ["source_ip", "pbx_id"])


def by_sip_status(traffic: pd.DataFrame) -> pd.DataFrame:
    """Return ``sip_status`` (missing where there was none), ``outcome``, ``calls``, ``share`` of all; most first."""
    rows = traffic.groupby(["sip_status", "outcome"], as_index=False, dropna=False)[["calls"]].sum()
    rows["share"] = rows["calls"].astype("float64") / max(1, int(rows["calls"].sum()))
    return rows.sort_values(["calls", "sip_status", "outcome"], ascending=[False, True, True], ignore_index=True)


def top_zones(traffic: pd.DataFrame, limit: int = 10) -> pd.DataFrame:
    """Return the outbound destination zones that cost most: ``zone``, ``calls``, ``minutes``, ``cost_usd``."""
    rows = traffic[traffic["direction"] == "outbound"]
    grouped = rows.groupby("zone", as_index=False)[["calls", "duration_s", "cost_usd"]].sum()
    grouped["minutes"] = grouped.pop("duration_s").astype("float64") / 60
    ranked = grouped.sort_values(["cost_usd", "calls"], ascending=False, ignore_index=True).head(limit)
    return ranked[["zone", "calls", "minutes", "cost_usd"]]


def hour_of_week(traffic: pd.DataFrame, timezone: str = "UTC") -> pd.DataFrame:
    """Return ``weekday`` (1 is Monday), ``hour``, ``calls``, ``refused``, ``cost_usd``, in the zone given."""
    rows = _counted(traffic)
    local = rows["hour_at"].dt.tz_convert(timezone)
    rows["weekday"], rows["hour"] = local.dt.day_of_week + 1, local.dt.hour
    return rows.groupby(["weekday", "hour"], as_index=False)[["calls", "refused", "cost_usd"]].sum()


def _counted(traffic: pd.DataFrame) -> pd.DataFrame:
    """Add ``answered`` and ``refused`` as counts of calls."""
    outcome, calls = traffic["outcome"], traffic["calls"]
    return traffic.assign(answered=calls.where(outcome == ANSWERED, 0), refused=calls.where(outcome == REFUSED, 0))


def _named(traffic: pd.DataFrame) -> pd.DataFrame:
    return traffic.assign(who=traffic["pbx_id"].where(traffic["pbx_id"] != "", traffic["source_ip"]))


def _summed(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    grouped = rows.groupby(keys)
    found = grouped[_SUMS].sum()
    found["first_at"], found["last_at"] = grouped["first_at"].min(), grouped["last_at"].max()
    found["minutes"] = found.pop("duration_s").astype("float64") / 60
    found["asr"] = _share(found["answered"], found["calls"])
    found["refusal_share"] = _share(found["refused"], found["calls"])
    found["cost_usd"] = found["cost_usd"].astype(tables.MONEY)
    return found.reset_index().sort_values(["calls", keys[0]], ascending=[False, True], ignore_index=True)


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Divide, where the sample is large enough."""
    return (part.astype("float64") / whole.astype("float64")).where(whole >= MIN_SAMPLE).astype("Float64")
