"""
Charts on a page: made once of what is known, then drawn from what was made.

Making a chart and validating it costs more than all else that a page does; what comes out of it depends
only on what is known and on what was asked, so sessions share it. Tests hold charts to their schema, so
that nothing is validated while somebody waits.

The browser draws a chart anew where its Vega-Lite has changed, and otherwise takes the new rows into the chart
that stands there, which is ten times as quick. So rows have names that do not depend on them, and ``charts``
says in rows what could change: order, room and what is named.
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

from dashboard.calls.store.engine import shown
from dashboard.charts.charts import Drawn
from dashboard.charts.templates import ChartSpec
from dashboard.web import session

_ALTAIR = Lock()
"""Altair is not thread-safe: which transformer and theme are on is one for all threads."""


@dataclass(frozen=True)
class Plot:
    """A chart as the browser takes it. Text and bytes, so that thousands are nothing to look through."""

    spec: str
    datasets: Mapping[str, bytes]

    def vega(self) -> dict[str, Any]:
        """Return its Vega-Lite, with the data as Arrow."""
        return {**json.loads(self.spec), "datasets": dict(self.datasets)}


def one(name: str, asked: object, make: Callable[[], Drawn], *, ages: bool = True) -> Plot:
    """
    Return a plot, made unless it was.

    Args:
        name: Of the chart.
        asked: All that it depends on beside what is known; its ``repr`` tells it apart.
        make: Draws it.
        ages: As of ``session.kept``.
    """
    return several(name, asked, lambda: {"": make()}, ages=ages)[""]


def several(
    name: str, asked: object, make: Callable[[], Mapping[str, Drawn]], *, ages: bool = True
) -> Mapping[str, Plot]:
    """Return plots by name, made unless they were; as ``one``."""

    def made() -> dict[str, Plot]:
        return {who: prepared(drawn) for who, drawn in make().items()}

    return session.kept(f"plot {name}", asked, made, ages=ages)


def prepared(drawn: Drawn) -> Plot:
    """Turn a chart into what the browser takes, its rows named by place."""
    if isinstance(drawn, ChartSpec):
        with _ALTAIR, debug_mode(False):
            spec = drawn.design()
        return Plot(spec, {f"rows_{number}": _arrow(rows) for number, rows in enumerate(drawn.frames)})
    names: dict[bytes, str] = {}

    def keep(data: Any, /) -> dict[str, str]:
        return {"name": names.setdefault(_arrow(data), f"rows_{len(names)}")}

    with _ALTAIR, debug_mode(False):
        alt.data_transformers.register("plots", keep)
        with alt.theme.enable("none"), alt.data_transformers.enable("plots"):
            spec = json.dumps({key: value for key, value in drawn.to_dict(validate=False).items() if key != "datasets"})
    return Plot(spec, {name: content for content, name in names.items()})


def _arrow(rows: pd.DataFrame) -> bytes:
    sink = pyarrow.BufferOutputStream()
    table = shown(pyarrow.Table.from_pandas(rows, preserve_index=False))
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def show(plot: Plot, description: str) -> None:
    """Draw a plot; ``description`` says what it shows."""
    st.vega_lite_chart(spec=plot.vega(), alt=description)


def pick(plot: Plot, description: str, *, key: str, take: Callable[[], None]) -> None:
    """Draw a plot on which something can be chosen, under ``key``; ``take`` is called when it is."""
    st.vega_lite_chart(spec=plot.vega(), alt=description, key=key, on_select=take)
