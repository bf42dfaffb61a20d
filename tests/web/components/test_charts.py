"""Plots: the chart's Vega-Lite specification, with its data separately as Arrow."""

from __future__ import annotations

import pandas as pd
import pyarrow

from dashboard import charts
from dashboard.web.components.charts import Plot, prepared

FRAME = pd.DataFrame([{"who": "Denver", "kind": "answered", "calls": 3}, {"who": "Reno", "kind": "failed", "calls": 2}])


def names(spec: dict[str, object]) -> set[str]:
    """Return the names of all data that a Vega-Lite specification refers to."""
    found = set()
    for key, value in spec.items():
        if key == "data" and isinstance(value, dict):
            found.add(value["name"])
        for each in value if isinstance(value, list) else [value]:
            found |= names(each) if isinstance(each, dict) else set()
    return found


def without_data(spec: dict[str, object]) -> dict[str, object]:
    """Return a Vega-Lite specification without its data, generated names and configuration."""
    made_up = ("data", "datasets", "name", "views", "config", "$schema")
    return {
        key: [without_data(each) if isinstance(each, dict) else each for each in value]
        if isinstance(value, list)
        else without_data(value)
        if isinstance(value, dict)
        else value
        for key, value in spec.items()
        if key not in made_up
    }


def test_plot_equals_its_chart():
    """The specification that is sent equals the one that Altair writes and validates, except for the data."""
    drawn = charts.calls_by_pbx(FRAME, selected="Reno")

    assert without_data(prepared(drawn).vega()) == without_data(drawn.to_dict())


def test_its_data_is_arrow_by_the_names_that_it_refers_to():
    """Every data name in the specification has an Arrow table, and one of them has the rows of the chart."""
    plot = prepared(charts.calls_by_pbx(FRAME))
    tables = {name: pyarrow.ipc.open_stream(data).read_all() for name, data in plot.datasets.items()}

    assert names(plot.vega()) == set(tables)
    assert {3, 2} in [set(table.column("calls").to_pylist()) for table in tables.values()]


def test_a_plot_drawn_twice_is_drawn_alike():
    """Streamlit removes parts of the specification it gets; the next one is complete again."""
    plot: Plot = prepared(charts.hour_of_week(pd.DataFrame([{"weekday": 0, "hour": 1, "value": 5}])))
    first = plot.vega()
    first.pop("datasets")

    assert set(plot.vega()["datasets"]) == set(plot.datasets)
    assert len(plot.datasets) == 1


def test_other_rows_are_taken_into_the_same_chart():
    """Other rows change the data but not the specification, so the browser does not redraw the chart."""
    other = pd.DataFrame([{"who": who, "kind": "refused_auth", "calls": 9} for who in ("Reno", "Boise", "Denver")])
    day = pd.Timestamp("2026-11-02", tz="UTC")
    made = {
        "by PBX": charts.calls_by_pbx,
        "by code": lambda frame: charts.calls_by_code(frame.rename(columns={"who": "code"})),
        "over time": lambda frame: charts.outcomes_over_time(
            frame.drop(columns="who").assign(from_at=day, until_at=day + pd.Timedelta("1D")), brush=True
        ),
        "by the hour": lambda frame: charts.hour_of_week(
            frame.assign(weekday=1, hour=range(len(frame)), value=frame["calls"])
        ),
        "by cost": lambda frame: charts.top_destinations(
            frame.rename(columns={"who": "zone"}).assign(minutes=frame["calls"], cost_usd=frame["calls"])
        ),
    }
    for make in made.values():
        first = prepared(make(FRAME))
        then = prepared(make(other))
        assert list(first.datasets) == list(then.datasets)
        assert first.datasets != then.datasets
        assert without_data(first.vega()) == without_data(then.vega())
