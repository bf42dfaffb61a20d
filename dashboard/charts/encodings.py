"""Chart encodings: legend, color, time axes, opacity and tooltip sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd

from dashboard.calls.analytics import definitions, metrics
from dashboard.core.text import counted

STATES: Final = ("good", "lost", "risk", "unknown", "proposal", "plain", "text")
"""Order of ``chartCategoricalColors`` in the theme: green, red, amber, gray, blue, slate, ink."""
MOST_TICKS = 9
PICK, BRUSH = "pick", "brush"
"""Names of the selection parameters of a chart: one bar, and a time range."""
LEAST_TOP, FEW = 0.05, 0.12
"""Share panels: minimum upper end of the axis, and height of a mark without a share, as a fraction of the axis."""
NOT_CHOSEN = 0.3
"""Opacity of the bars that are not selected."""


def legend(labels: Mapping[str, str]) -> alt.Legend:
    """Return a legend above the plot; ``labels`` maps each state to its label, in order."""
    label_expression = " : ".join(f"datum.value == '{state}' ? '{label}'" for state, label in labels.items())
    return alt.Legend(
        title=None,
        orient="top",
        direction="horizontal",
        columns=2,
        offset=4,
        padding=0,
        values=list(labels),
        labelExpr=f"{label_expression} : ''",
        symbolType="square",
        labelLimit=240,
    )


def state(color_legend: alt.Legend | None = None) -> alt.Color:
    """Color by the column ``state``; the domain is always all of ``STATES``, so each state keeps its palette color."""
    return alt.Color("state:N", scale=alt.Scale(domain=list(STATES)), legend=color_legend)


def tip() -> alt.Tooltip:
    """Return a tooltip with the column ``sentence``."""
    return alt.Tooltip("sentence:N")


Buckets = tuple[bool, tuple[tuple[int, int, int, int, int], ...]]
"""Whether the axis has daily buckets, and the times of its labels as year, month, day, hour and minute."""


def buckets(plotted: pd.DataFrame) -> Buckets:
    """Choose at most ``MOST_TICKS`` buckets to label: days at their middle, hours at their start."""
    buckets = plotted[["from_at", "until_at"]].drop_duplicates().sort_values("from_at")
    labeled = buckets.iloc[:: max(1, -(-len(buckets) // MOST_TICKS))]
    by_day = len(buckets) > 0 and bool((buckets["until_at"] - buckets["from_at"]).max() > pd.Timedelta(hours=2))
    at = labeled["from_at"] + (labeled["until_at"] - labeled["from_at"]) / 2 if by_day else labeled["from_at"]
    return by_day, tuple((t.year, t.month, t.day, t.hour, t.minute) for t in at)


def bucket_axis(labeled_buckets: Buckets) -> alt.Axis:
    """Return a time axis that labels the buckets chosen by ``buckets``."""
    by_day, times = labeled_buckets
    values = [
        alt.DateTime(year=year, month=month, date=date, hours=hour, minutes=minute)
        for year, month, date, hour, minute in times
    ]
    return alt.Axis(
        format="%-d %b" if by_day else "%H:%M", values=values, grid=False, labelFlush=False, ticks=not by_day
    )


def highlight_range(plotted: pd.DataFrame, selected_range: tuple[datetime, datetime] | None) -> pd.DataFrame:
    """Add ``opacity``, which is lower for a bucket outside the selected time range."""
    begin, end = selected_range or (plotted["from_at"].min(), plotted["until_at"].max())
    inside = (plotted["from_at"] < end) & (plotted["until_at"] > begin)
    return plotted.assign(opacity=inside.map({True: 1.0, False: NOT_CHOSEN}).astype("float64"))


def highlight_one(plotted: pd.DataFrame, by: str, selected: str) -> pd.DataFrame:
    """Add ``opacity``, which is lower for all values of ``by`` except the selected one; ``""`` selects all."""
    return plotted.assign(opacity=[1.0 if selected in ("", value) else NOT_CHOSEN for value in plotted[by]])


def stored_opacity() -> alt.Opacity:
    """Encode the column ``opacity`` of ``highlight_range`` or ``highlight_one`` without scaling."""
    return alt.Opacity("opacity:Q", scale=None, legend=None)


def time_axis(count: int, days: int) -> alt.Axis:
    """Return an axis with about ``count`` date labels; up to ``count`` days, each day gets exactly one label."""
    return alt.Axis(format="%-d %b", tickCount=count if days > count else "day", grid=False, labelFlush=True)


def say(frame: pd.DataFrame, pattern: str) -> list[str]:
    """
    Format one sentence per row.

    ``{day}`` is the formatted ``from_at`` unless the frame has a column ``day``; ``{n_calls}`` and ``{n_minutes}`` are
    numbers with their nouns.
    """
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment] # columns are text here
    return [pattern.format_map({"day": day(row.get("from_at"))} | _counts(row) | row) for row in rows]


def _counts(row: dict[str, Any]) -> dict[str, str]:
    return {f"n_{noun}s": counted(round(row[f"{noun}s"]), noun) for noun in ("call", "minute") if f"{noun}s" in row}


def day(at: Any) -> str:
    """Format a time as ``2 Nov``, followed by the time of day unless it is midnight."""
    moment = pd.Timestamp(0 if at is None else at)
    return f"{moment:%d %b}".lstrip("0") if moment == moment.normalize() else f"{moment:%d %b %H:%M}".lstrip("0")


def shares(frame: pd.DataFrame) -> pd.DataFrame:
    """
    Add the columns that refusal panels draw: ``share``, ``low``, ``high``, ``bottom``, ``state`` and ``sentence``.

    Args:
        frame: ``who``, ``from_at``, ``calls``, ``refused``.

    Returns:
        The rows; ``low`` and ``high`` are the Wilson interval of the share. Below ``MIN_SAMPLE`` calls, the share is
        replaced by a low gray mark that indicates refused calls.
    """
    low, high = metrics.wilson(frame["refused"], frame["calls"])
    is_sampled = (frame["calls"] >= definitions.MIN_SAMPLE).to_numpy()
    share = (frame["refused"] / frame["calls"].clip(lower=1)).astype("float64").to_numpy()
    top = max(LEAST_TOP, float(share[is_sampled].max()) if is_sampled.any() else 0.0)
    mark = np.where(frame["refused"] > 0, top * FEW, 0.0)
    plotted = frame.assign(
        share=np.where(is_sampled, share, mark),
        low=low,
        high=high,
        bottom=0.0,
        state=np.where(is_sampled, "lost", "unknown"),
    )
    template = "{who}, {day}: {refused:,} of {n_calls} refused"
    sure = say(plotted, template + " ({share:.0%}; 95% interval {low:.0%} to {high:.0%})")
    short_texts = say(plotted, template + ", too few for a share")
    return plotted.assign(sentence=np.where(is_sampled, sure, short_texts))


def worst_first(plotted: pd.DataFrame) -> list[str]:
    """Return the callers by share of refused calls in their last three buckets, largest first."""
    recent = plotted.sort_values("from_at").groupby("who").tail(3)
    latest = recent.groupby("who")[["calls", "refused"]].sum()
    share = (latest["refused"] / latest["calls"].clip(lower=1)).astype("float64")
    return [str(caller) for caller in share.sort_values(ascending=False, kind="stable").index]
