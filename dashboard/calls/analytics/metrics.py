"""
Call metrics: ratios with their numerators and denominators, sums and peaks; pure functions of grouped calls.

A frame has any columns to group by and, of these, those a function needs: ``outcome``, ``sip_status`` (missing if the
record has no status), ``sip_reason``, ``calls``, ``short_calls``, ``duration_s``, ``cost_usd``. The meaning of each
metric is data: ``definitions``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow
import pyarrow.compute

from dashboard.calls.analytics.definitions import ANSWERED, DEFINITIONS, MIN_SAMPLE, REFUSED
from dashboard.core.errors import InputError
from dashboard.schemas.tables import MONEY

CONFIDENCE = 0.95
PEAKS = ("peak_1s", "peak_60s", "concurrent")
"""IDs of ``DEFINITIONS`` that are peaks."""
Bucket = Literal["hour", "day"]
Array = npt.NDArray[np.float64]


def wilson(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> tuple[Array, Array]:
    """
    Return the Wilson score interval of shares at ``CONFIDENCE``.

    Args:
        numerator: Successes.
        denominator: Trials.

    Returns:
        Lower and upper bound; NaN without trials. Source: Wilson 1927, recommended by Brown, Cai and DasGupta 2001.
    """
    n = np.asarray(denominator, dtype="float64")
    n = np.where(n > 0, n, np.nan)
    share = np.asarray(numerator, dtype="float64") / n
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.clip(np.minimum(middle - half, share), 0, 1), np.clip(np.maximum(middle + half, share), 0, 1)


def ratios(frame: pd.DataFrame, by: Sequence[str] = (), only: Collection[str] = ()) -> pd.DataFrame:
    """
    Return the ratios of each group.

    Args:
        frame: Grouped calls; of one direction, if the result is to be labeled as such.
        by: Columns to group by; none for a single group.
        only: IDs of ratios in ``DEFINITIONS``; if empty, all that the frame has the columns for.

    Returns:
        Sorted, one row per group and ratio: ``by``, ``ratio`` (ID), ``numerator``, ``denominator``, and ``value``,
        ``low``, ``high`` (0 to 1), which are missing below ``MIN_SAMPLE``.
    """
    ids = list(only) or [
        definition.id
        for definition in DEFINITIONS.values()
        if definition.unit == "share" and all(count.needs <= {*frame.columns} for count in definition.counts)
    ]
    wide = _divided(frame, by, ids)
    groups = wide[list(by)].loc[wide.index.repeat(len(ids))].reset_index(drop=True)
    top, bottom = (
        wide[[f"{definition} {part}" for definition in ids]].to_numpy("int64").ravel() for part in ("of", "in")
    )
    low, high = wilson(top, bottom)
    estimates = {"value": top / np.maximum(bottom, 1), "low": low, "high": high}
    return groups.assign(
        ratio=pd.array(ids * len(wide), dtype="str"),
        numerator=top,
        denominator=bottom,
        **{name: _mask_small_samples(values, bottom) for name, values in estimates.items()},
    )


def acd(frame: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return ``by``, ``calls`` (answered), ``duration_s`` (their talk time), ``acd_s`` (missing below the minimum)."""
    durations = _divided(frame, by, ["acd"]).rename(columns={"acd in": "calls", "acd of": "duration_s"})
    durations = durations[[*by, "calls", "duration_s"]]
    mean = durations["duration_s"].to_numpy("float64") / durations["calls"].clip(lower=1).to_numpy()
    return durations.assign(acd_s=_mask_small_samples(mean, durations["calls"].to_numpy()))


def totals(frame: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return ``by``, ``calls``, ``answered``, ``refused`` (for authorization), ``minutes`` of talk and ``cost_usd``."""
    rows = frame.assign(answered=ANSWERED.of(frame), refused=REFUSED.of(frame))
    result = _summed(rows, by, ["calls", "answered", "refused", "duration_s", "cost_usd"])
    result.insert(len(by) + 3, "minutes", result.pop("duration_s") / 60)
    return result


def breakdown(frame: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return ``by``, SIP status, reason and outcome if present, ``calls``, ``share`` of the group; most calls first."""
    details = [name for name in ("sip_status", "sip_reason", "outcome") if name in frame and name not in by]
    counts = _summed(frame, [*by, *details], ["calls"])
    groups = counts.groupby(list(by), dropna=False, observed=True)["calls"] if by else None
    whole = (groups.transform("sum") if groups else counts["calls"] * 0 + counts["calls"].sum()).to_numpy("int64")
    counts["share"] = _mask_small_samples(counts["calls"].to_numpy() / np.maximum(whole, 1), whole)
    return counts.sort_values([*by, "calls"], ascending=[*(True for _ in by), False], kind="stable", ignore_index=True)


def top(frame: pd.DataFrame, by: str = "zone", limit: int = 10) -> pd.DataFrame:
    """Return the costliest values of a column: ``by``, ``calls``, ``minutes``, ``cost_usd``."""
    costs = _summed(frame, [by], ["calls", "duration_s", "cost_usd"])
    costs.insert(2, "minutes", costs.pop("duration_s") / 60)
    return costs.sort_values(["cost_usd", "calls"], ascending=False, kind="stable", ignore_index=True).head(limit)


def in_steps(frame: pd.DataFrame, step: Bucket, timezone: str = "UTC") -> pd.DataFrame:
    """
    Add ``at``, the start of the hour (``hour_at``) or of its day in a zone, for grouping.

    Raises:
        InputError: The zone's days start within an hour of the frame.
    """
    if step == "hour":
        return frame.assign(at=frame["hour_at"].dt.tz_convert(timezone))
    return frame.assign(at=_local_hours(frame, timezone).dt.normalize())


def hour_of_week(frame: pd.DataFrame, timezone: str = "UTC") -> pd.DataFrame:
    """
    Return ``weekday`` (1 is Monday), ``hour`` in the given zone, and ``totals`` of the calls of ``hour_at``.

    Raises:
        InputError: The zone's hours start within an hour of the frame.
    """
    local = _local_hours(frame, timezone)
    return totals(frame.assign(weekday=local.dt.day_of_week + 1, hour=local.dt.hour), ["weekday", "hour"])


def _local_hours(frame: pd.DataFrame, timezone: str) -> pd.Series:
    """Return ``hour_at`` in a zone whose hours are hours of UTC."""
    local: pd.Series = frame["hour_at"].dt.tz_convert(timezone)
    if (local.dt.minute != frame["hour_at"].dt.minute).any():
        raise InputError(
            f"Calls are added up by the hour of UTC, and the hours of {timezone} begin within those. Use UTC, or add "
            "up single calls."
        )
    return local


def peaks(load: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """
    Return the peaks of the minute load, separately for each direction: they need not coincide.

    Args:
        load: Result of ``CallStore.load``: ``minute_at``, ``direction``, ``calls``, ``peak_1s``, ``concurrent``.
        by: More columns to group by, such as the day.

    Returns:
        Sorted: ``by``, ``direction``, and ``peak_1s``, ``peak_60s``, ``concurrent``, each with the first minute in
        which it was reached (``peak_1s_at`` and so on). ``DEFINITIONS`` explains them.
    """
    rows = load.rename(columns={"calls": "peak_60s"}).sort_values("minute_at", ignore_index=True)
    keys = [*by, "direction"]
    result = pd.DataFrame()
    for name in PEAKS:
        first = rows.loc[rows.groupby(keys)[name].idxmax()].reset_index(drop=True)
        result = first[keys] if result.empty else result
        result = result.assign(**{name: first[name], f"{name}_at": first["minute_at"]})
    return result


def first_seen(first_calls: pd.DataFrame, *, now: datetime, hours: float = 24) -> pd.DataFrame:
    """
    Return the sources and zones that are new.

    Args:
        first_calls: Rows of ``sql/first_seen.sql``: ``kind``, ``value``, ``first_at``, ``calls``, ``cost_usd``.
        now: Current time.
        hours: Maximum age of a first call in hours.

    Returns:
        Rows of ``first_calls`` that started since then, newest first; empty if the whole record is no older.
    """
    since = now - timedelta(hours=hours)
    is_new = (first_calls["first_at"] >= since) & (first_calls["first_at"].min() < since)
    new: pd.DataFrame = first_calls[is_new].sort_values("first_at", ascending=False, kind="stable", ignore_index=True)
    return new


def _divided(frame: pd.DataFrame, by: Sequence[str], ids: Iterable[str]) -> pd.DataFrame:
    """Return numerator and denominator of each definition by group: ``ID of`` and ``ID in``."""
    pairs = {ratio_id: DEFINITIONS[ratio_id].counts for ratio_id in ids}
    counts = [count for pair in pairs.values() for count in pair]
    needs = {name for count in counts for name in count.needs}
    kinds = [name for name in ("outcome", "sip_status") if name in needs and name not in by]
    rows = _summed(frame, [*by, *kinds], sorted({count.column for count in counts}))
    parts = {
        f"{ratio_id} {part}": c.of(rows)
        for ratio_id, pair in pairs.items()
        for part, c in zip(("of", "in"), pair, strict=True)
    }
    return _summed(rows[list(by)].assign(**parts), by, list(parts))


def _summed(frame: pd.DataFrame, by: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Return exact sums of columns by group, sorted; one row without group columns; missing values count as 0."""
    usd = pyarrow.decimal128(18, 8)
    kinds = {name: usd if name == "cost_usd" else pyarrow.int64() for name in columns}
    keys = {name: pyarrow.array(frame[name], from_pandas=True) for name in by}
    values = {f"{name}!": pyarrow.array(frame[name], kind, from_pandas=True) for name, kind in kinds.items()}
    table = pyarrow.table(keys | values).group_by(list(by), use_threads=False)
    sums = table.aggregate([(name, "sum") for name in values])
    result = pd.DataFrame({name: sums.column(name).to_pandas().astype(frame[name].dtype) for name in by})
    for name, kind in kinds.items():
        added = pyarrow.compute.fill_null(sums.column(f"{name}!_sum").cast(kind), 0)
        result[name] = pd.Series(added.to_pandas(types_mapper=pd.ArrowDtype), dtype=MONEY if kind == usd else "int64")
    return result.sort_values(list(by), ignore_index=True) if by else result


def _mask_small_samples(values: Array, sample: npt.NDArray[np.int64]) -> pd.Series:
    """Mask values of too small a sample."""
    return pd.Series(np.where(sample >= MIN_SAMPLE, values, np.nan)).astype("Float64")
