"""
Chart component: build a chart once per account view, then draw it from the cache.

Building and validating a chart takes longer than all other work of a page. The result depends only on the account view
and the filters, so sessions share it. Tests validate charts against the Vega-Lite schema; pages do not validate.

The browser redraws a chart if its Vega-Lite specification changed. Otherwise it only updates the rows, which is ten
times as fast. Therefore dataset names do not depend on the rows, and ``charts`` encodes in the rows what may change:
order, room for notes, and labels.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import altair as alt
import pandas as pd
import pyarrow
import streamlit as st
from altair.utils.schemapi import debug_mode

from dashboard.calls.store import sanitize_table
from dashboard.charts import ChartSpec, Drawn
from dashboard.web import session

_ALTAIR = Lock()
"""Altair is not thread-safe: all threads share the active data transformer and theme."""


@dataclass(frozen=True)
class Plot:
    """A chart in the form sent to the browser: text and bytes, so thousands are cheap to garbage-collect."""

    spec: str
    datasets: Mapping[str, bytes]

    def vega(self) -> dict[str, Any]:
        """Return the Vega-Lite specification with the data in Arrow format."""
        return {**json.loads(self.spec), "datasets": dict(self.datasets)}


def cached_plot(name: str, inputs: object, build: Callable[[], Drawn], *, ages: bool = True) -> Plot:
    """
    Return a plot from the cache or newly built.

    Args:
        name: Name of the chart.
        inputs: All that the chart depends on besides the account view; its ``repr`` is part of the cache key.
        build: Builds the chart.
        ages: As in ``session.cached``.
    """
    return cached_plots(name, inputs, lambda: {"": build()}, ages=ages)[""]


def cached_plots(
    name: str, inputs: object, build: Callable[[], Mapping[str, Drawn]], *, ages: bool = True
) -> Mapping[str, Plot]:
    """Return plots by name from the cache or newly built; arguments as in ``cached_plot``."""

    def build_plots() -> dict[str, Plot]:
        return {name: prepared(chart) for name, chart in build().items()}

    return session.cached(f"plot {name}", inputs, build_plots, ages=ages)


def prepared(chart: Drawn) -> Plot:
    """Convert a chart to the form sent to the browser, with datasets named by position."""
    if isinstance(chart, ChartSpec):
        with _ALTAIR, debug_mode(False):
            spec = chart.design()
        return Plot(spec, {f"rows_{number}": _arrow(rows) for number, rows in enumerate(chart.frames)})
    names: dict[bytes, str] = {}

    def store_data(data: Any, /) -> dict[str, str]:
        return {"name": names.setdefault(_arrow(data), f"rows_{len(names)}")}

    with _ALTAIR, debug_mode(False):
        alt.data_transformers.register("plots", store_data)
        with alt.theme.enable("none"), alt.data_transformers.enable("plots"):
            spec = json.dumps({key: value for key, value in chart.to_dict(validate=False).items() if key != "datasets"})
    return Plot(spec, {name: content for content, name in names.items()})


def _arrow(rows: pd.DataFrame) -> bytes:
    sink = pyarrow.BufferOutputStream()
    table = sanitize_table(pyarrow.Table.from_pandas(rows, preserve_index=False))
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def show(plot: Plot, description: str) -> None:
    """Draw a plot with ``description`` as its alternative text."""
    st.vega_lite_chart(spec=plot.vega(), alt=description)


def draw_selectable(plot: Plot, description: str, *, key: str, on_select: Callable[[], None]) -> None:
    """Draw a plot with a selection under ``key``; ``on_select`` is called when the selection changes."""
    st.vega_lite_chart(spec=plot.vega(), alt=description, key=key, on_select=on_select)
