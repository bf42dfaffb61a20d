"""Chart templates: Vega-Lite specifications that do not depend on the rows, so each is built once and cached."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import altair as alt
import pandas as pd

from dashboard.charts import encodings
from dashboard.charts.encodings import tip

WEEK: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PLOT_HEIGHT, ROW_HEIGHT, NAME_HEIGHT = 280, 26, 18
"""Heights in pixels."""

Data = pd.DataFrame | alt.NamedData
"""Rows, or the name of a dataset that is supplied later."""
Drawing = alt.Chart | alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class ChartSpec:
    """A template with its rows and options; a notebook renders it as an Altair chart."""

    draw: Callable[..., Drawing]
    """Called with the frames, then the options. It must give the type of each encoded column, e.g. ``"calls:Q"``."""
    frames: tuple[pd.DataFrame, ...]
    options: tuple[Hashable, ...] = ()

    def altair(self) -> Drawing:
        """Return the Altair chart with its rows, which can be modified or saved with the Altair API."""
        return self.draw(*self.frames, *self.options)

    def to_dict(self) -> dict[str, Any]:
        """Return the Vega-Lite specification with its rows, validated against the schema."""
        return self.altair().to_dict()

    def design(self) -> str:
        """Return the Vega-Lite specification as JSON; it refers to the frames as ``rows_0``, ``rows_1`` and so on."""
        return _design(self.draw, len(self.frames), self.options)

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        return self.altair()._repr_mimebundle_(*args, **kwargs)


@lru_cache(maxsize=500)
def _design(draw: Callable[..., Any], frames: int, options: tuple[Hashable, ...]) -> str:
    rows = [alt.NamedData(name=f"rows_{number}") for number in range(frames)]
    with alt.theme.enable("none"):
        return json.dumps(draw(*rows, *options).to_dict(validate=False))


def over_time(
    rows: Data, buckets: encodings.Buckets, legend_entries: tuple[tuple[str, str], ...], brush: str
) -> Drawing:
    """
    Draw stacked columns over time with a legend of the states at the top.

    ``brush`` is the name of the parameter that selects a time range; ``""`` for none.
    """
    chart = bars(rows, binSpacing=1).encode(
        x=alt.X("from_at:T", title=None, axis=encodings.bucket_axis(buckets)),
        x2=alt.X2("until_at"),
        y=alt.Y("top:Q", title=None, axis=alt.Axis(format=",d", tickCount=4, tickMinStep=1)),
        y2=alt.Y2("bottom"),
        color=encodings.state(encodings.legend(dict(legend_entries))),
        opacity=encodings.stored_opacity(),
        tooltip=tip(),
    )
    if brush:
        chart = chart.add_params(alt.selection_interval(name=brush, encodings=["x"]))
    return chart.properties(height=PLOT_HEIGHT)


def hours(rows: Data) -> alt.Chart:
    """Draw one cell for each hour of the week."""
    cells: alt.Chart = alt.Chart(rows).mark_rect(cornerRadius=2)
    every_six = "datum.value % 6 == 0 ? (datum.value < 10 ? '0' : '') + datum.value + ':00' : ''"
    return cells.encode(
        x=alt.X("hour:O", title=None, axis=alt.Axis(labelExpr=every_six, labelAngle=0, labelOverlap=False)),
        y=alt.Y("day:O", title=None, sort=list(WEEK), axis=alt.Axis(labelOverlap=False, labelFlush=False)),
        color=alt.Color("value:Q", legend=None, scale=alt.Scale(domainMin=0)),
        tooltip=tip(),
    ).properties(height=8 * ROW_HEIGHT)


def one_bar(rows: Data, names: Data) -> Drawing:
    """Draw one bar with several parts; ``names`` holds the labels drawn above the large parts."""
    x = alt.X("calls:Q", title=None, axis=None, stack="zero", scale=alt.Scale(nice=False))
    parts = bars(rows, size=ROW_HEIGHT, strokeWidth=2).encode(
        x=x,
        y=alt.value(NAME_HEIGHT + ROW_HEIGHT / 2),
        color=encodings.state(),
        stroke=alt.Stroke("state:N", scale=alt.Scale(domain=list(encodings.STATES)), legend=None),
        opacity=encodings.stored_opacity(),
        order=alt.Order("order:Q"),
        tooltip=tip(),
    )
    text = alt.Chart(names).mark_text(align="left", baseline="top", fontSize=12, dx=1)
    labels = text.encode(x=alt.X("at:Q"), y=alt.value(0), text=alt.Text("name:N"), color=encodings.state())
    return alt.layer(parts, labels, height=NAME_HEIGHT + ROW_HEIGHT)


def bar_rows(rows: Data, notes: Data, by: str, value: str, pick: str) -> Drawing:
    """
    Draw horizontal bars, each with its note at the end.

    ``pick`` is the name of the parameter that selects a bar; ``""`` for none.
    """
    ranked = alt.EncodingSortField(field="rank", op="min", order="ascending")
    y = alt.Y(f"{by}:N", title=None, sort=ranked, axis=alt.Axis(labelLimit=190, labelOverlap=False, grid=False))
    x = alt.X(f"{value}:Q", title=None, axis=None, stack="zero", scale=alt.Scale(nice=False))
    chart = bars(rows, size=14, cornerRadius=1).encode(
        x=x, y=y, color=encodings.state(), order=alt.Order("order:Q"), tooltip=tip()
    )
    if pick:
        chart = chart.encode(opacity=encodings.stored_opacity())
        chart = chart.add_params(alt.selection_point(name=pick, fields=[by], on="click", clear=False))
    noted = alt.Chart(notes).mark_text(align="left", dx=6, fontSize=12)
    room: alt.Chart = noted.mark_point(opacity=0).encode(x=alt.X("room:Q"), y=y)
    noted = noted.encode(x=alt.X(f"{value}:Q"), y=y, text=alt.Text("note:N"), color=encodings.state())
    return alt.layer(chart, noted, room, height=alt.Step(ROW_HEIGHT))


def bars(rows: Data, **look: Any) -> alt.Chart:
    """Draw bars with the mark properties ``look``."""
    chart: alt.Chart = alt.Chart(rows).mark_bar(**look)
    return chart
