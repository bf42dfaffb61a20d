"""What charts are made of: legend, axes of time, and the sentences of tooltips."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd

from dashboard.calls.analytics.definitions import MIN_SAMPLE
from dashboard.calls.analytics.metrics import wilson
from dashboard.core.text import counted

STATES: Final = ("good", "lost", "risk", "unknown", "proposal", "plain", "text")
"""Order of ``chartCategoricalColors`` in the theme: green, red, amber, gray, blue, slate, ink."""
MOST_TICKS = 9
PICK, BRUSH = "pick", "brush"
"""Names of what can be chosen on a chart: a bar, a stretch of time."""
LEAST_TOP, FEW = 0.05, 0.12
"""Of panels of shares: where their axis ends at least, and how high a mark is that stands for no share."""
NOT_CHOSEN = 0.3
"""Opacity of the bars beside the one that was chosen."""


def legend(named: Mapping[str, str]) -> alt.Legend:
    """Name states above a plot; ``named`` maps each to what it stands for, in order."""
    said = " : ".join(f"datum.value == '{state}' ? '{label}'" for state, label in named.items())
    return alt.Legend(
        title=None,
        orient="top",
        direction="horizontal",
        columns=2,
        offset=4,
        padding=0,
        values=list(named),
        labelExpr=f"{said} : ''",
        symbolType="square",
        labelLimit=240,
    )


def state(named: alt.Legend | None = None) -> alt.Color:
    """Color by the column ``state``, always over the whole of ``STATES``, so that a place is a color."""
    return alt.Color("state:N", scale=alt.Scale(domain=list(STATES)), legend=named)


def tip() -> alt.Tooltip:
    """Show the sentence of what is pointed at."""
    return alt.Tooltip("sentence:N")


Buckets = tuple[bool, tuple[tuple[int, int, int, int, int], ...]]
"""Whether an axis is by the day, and where its names stand: year, month, day, hour and minute."""


def buckets(shown: pd.DataFrame) -> Buckets:
    """Choose a few of the buckets to be named: days below their middle, hours at their start."""
    buckets = shown[["from_at", "until_at"]].drop_duplicates().sort_values("from_at")
    some = buckets.iloc[:: max(1, -(-len(buckets) // MOST_TICKS))]
    by_day = len(buckets) > 0 and bool((buckets["until_at"] - buckets["from_at"]).max() > pd.Timedelta(hours=2))
    at = some["from_at"] + (some["until_at"] - some["from_at"]) / 2 if by_day else some["from_at"]
    return by_day, tuple((t.year, t.month, t.day, t.hour, t.minute) for t in at)


def bucket_axis(named: Buckets) -> alt.Axis:
    """Name the buckets that were chosen."""
    by_day, times = named
    values = [
        alt.DateTime(year=year, month=month, date=date, hours=hour, minutes=minute)
        for year, month, date, hour, minute in times
    ]
    return alt.Axis(
        format="%-d %b" if by_day else "%H:%M", values=values, grid=False, labelFlush=False, ticks=not by_day
    )


def stretch(shown: pd.DataFrame, chosen: tuple[datetime, datetime] | None) -> pd.DataFrame:
    """Add ``opacity``: less for a bucket that lies outside of the time that was chosen."""
    begin, end = chosen or (shown["from_at"].min(), shown["until_at"].max())
    inside = (shown["from_at"] < end) & (shown["until_at"] > begin)
    return shown.assign(opacity=inside.map({True: 1.0, False: NOT_CHOSEN}).astype("float64"))


def one_of(shown: pd.DataFrame, by: str, chosen: str) -> pd.DataFrame:
    """Add ``opacity``: less for all but the one that was chosen, where one was."""
    return shown.assign(opacity=[1.0 if chosen in ("", value) else NOT_CHOSEN for value in shown[by]])


def as_it_says() -> alt.Opacity:
    """Take the opacity that ``stretch`` or ``one_of`` gave."""
    return alt.Opacity("opacity:Q", scale=None, legend=None)


def time_axis(count: int, days: int) -> alt.Axis:
    """Name about so many of some days; of no more days than that each, and none of them twice."""
    return alt.Axis(format="%-d %b", tickCount=count if days > count else "day", grid=False, labelFlush=True)


def say(frame: pd.DataFrame, pattern: str) -> list[str]:
    """
    Fill a sentence from each row.

    ``{day}`` is its ``from_at`` unless there is such a column; ``{n_calls}``, ``{n_minutes}`` are numbers with nouns.
    """
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment] # columns are text here
    return [pattern.format_map({"day": day(row.get("from_at"))} | _counts(row) | row) for row in rows]


def _counts(row: dict[str, Any]) -> dict[str, str]:
    return {f"n_{noun}s": counted(round(row[f"{noun}s"]), noun) for noun in ("call", "minute") if f"{noun}s" in row}


def day(at: Any) -> str:
    """Write a time as ``2 Nov``, with its clock time where it is not midnight."""
    moment = pd.Timestamp(0 if at is None else at)
    return f"{moment:%d %b}".lstrip("0") if moment == moment.normalize() else f"{moment:%d %b %H:%M}".lstrip("0")


def shares(frame: pd.DataFrame) -> pd.DataFrame:
    """
    Add what panels of refusals draw: ``share``, ``bottom``, ``state`` and ``sentence``, with the share's interval.

    Args:
        frame: ``who``, ``from_at``, ``calls``, ``refused``.

    Returns:
        The rows; below ``MIN_SAMPLE`` calls the share is not told, and a low gray mark says that some were refused.
    """
    low, high = wilson(frame["refused"], frame["calls"])
    enough = (frame["calls"] >= MIN_SAMPLE).to_numpy()
    share = (frame["refused"] / frame["calls"].clip(lower=1)).astype("float64").to_numpy()
    top = max(LEAST_TOP, float(share[enough].max()) if enough.any() else 0.0)
    mark = np.where(frame["refused"] > 0, top * FEW, 0.0)
    shown = frame.assign(
        share=np.where(enough, share, mark), low=low, high=high, bottom=0.0, state=np.where(enough, "lost", "unknown")
    )
    told = "{who}, {day}: {refused:,} of {n_calls} refused"
    sure = say(shown, told + " ({share:.0%}; 95% interval {low:.0%} to {high:.0%})")
    few = say(shown, told + ", too few for a share")
    return shown.assign(sentence=np.where(enough, sure, few))


def worst_first(shown: pd.DataFrame) -> list[str]:
    """Return who is refused most of late, the largest share of the last three buckets first."""
    recent = shown.sort_values("from_at").groupby("who").tail(3)
    latest = recent.groupby("who")[["calls", "refused"]].sum()
    share = (latest["refused"] / latest["calls"].clip(lower=1)).astype("float64")
    return [str(who) for who in share.sort_values(ascending=False, kind="stable").index]
