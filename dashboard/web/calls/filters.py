"""
Filters of the Calls page: widgets bound to URL query parameters, and chart selections that set them.

A selection in a chart filters everything except that chart, so the selected value stays visible next to the others and
can be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from dashboard.calls import Cube
from dashboard.calls.analytics import CubePart
from dashboard.charts import Drawn, encodings
from dashboard.core.text import visible
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import OUTCOME_LABELS
from dashboard.web import session
from dashboard.web.components import charts
from dashboard.web.outcomes.rows import whole_hour

SPANS: Final = {"24 h": ("the last 24 hours", 1), "7 days": ("the last 7 days", 7), "30 days": ("the last 30 days", 30)}
WHOLE: Final = "All"
HOURS_UP_TO = timedelta(days=3)
MOST_CALLERS = 200
"""Number of callers in the filter; callers with fewer calls can be found by source address."""
DIMENSION_KEYS: Final = {"who": "from", "code": "code", "zone": "zone", "outcome": "outcome"}
"""Cube dimension to the name of its query parameter."""
BEGIN = "begin"
END = "end"
IN_ZONE = "in"
MOVED = "calls_moved"
SHOWN, BRUSHED = "calls_time_shown", "calls_time_brushed"
"""Session keys: time range of the previous run with the number of its chart, and the range last drawn on the chart."""
NUMBER, SOURCE = "number", "source"
"""Query parameters of the conditions for single calls."""
CLEARED: Final = (*DIMENSION_KEYS.values(), NUMBER, SOURCE)


@dataclass(frozen=True)
class FilterValues:
    """Current values of the filters."""

    part: CubePart
    """All conditions."""
    whole: CubePart
    """The time span only, without a selected range or any other condition."""
    words: str
    """The time span in words, for a sentence."""
    by_day: bool
    """Whether the time span is long enough for daily buckets."""

    def without(self, *names: str) -> CubePart:
        """Return the conditions without those on some dimensions, for a chart that filters by them."""
        return replace(self.part, **cast("dict[str, Any]", dict.fromkeys(names, "")))


def draw_filters(snapshot: Snapshot, cube: Cube) -> FilterValues:
    """
    Draw the filters and return their values.

    Args:
        snapshot: Snapshot with the time that spans are relative to.
        cube: Cube with the values to choose from.
    """
    zone = session.zone()
    st.session_state.update(st.session_state.pop(MOVED, {}))
    begun, words = span(snapshot, zone)
    since = whole_hour(begun)
    with st.grid(3, min_column_width=150, gap="small"):
        begin = _moment("From", BEGIN)
        end = _moment("Up to", END)
        caller = _choice(
            "PBX",
            "who",
            cube,
            {value: value for value in session.cached("callers", "", lambda: _callers(cube), ages=False)},
            "Any caller",
        )
        outcome = _choice("Outcome", "outcome", cube, OUTCOME_LABELS, "Any outcome")
        code = _choice("SIP code", "code", cube, {value: value for value in sorted(cube.values("code"))}, "Any code")
        zones = {value: value or "Unknown" for value in sorted(filter(None, cube.values("zone")))}
        to = _choice("Destination", "zone", cube, zones, "Any destination")
    always_there = st.empty()  # a fixed place: an element that comes and goes makes the browser redraw all below it
    linked = st.query_params  # in the first run the fields further down have not read them yet
    if any(st.session_state.get(key, linked.get(key)) for key in (*CLEARED, BEGIN, END)):
        always_there.button("Clear filters", icon=":material/filter_alt_off:", key="calls_clear", on_click=_clear)
    _convert_linked_times(begin, end, zone)
    whole = CubePart(since=since)
    begins, ends = (whole_hour(at.replace(tzinfo=zone)) if at else None for at in (begin, end))
    narrowed = CubePart(begins or since, ends, who=caller, outcome=outcome, code=code, zone=to)
    return FilterValues(narrowed, whole, words, snapshot.taken_at - since > HOURS_UP_TO)


def time_key(filters: FilterValues) -> str:
    """Return the key of the chart over time: a new one, which clears the drawn range, if it was set elsewhere."""
    now = [st.session_state.get(key) for key in (BEGIN, END)]
    shown_range, revision = st.session_state.get(SHOWN, (now, 0))
    if now not in (shown_range, st.session_state.get(BRUSHED)):
        revision += 1
    st.session_state[SHOWN] = (now, revision)
    return f"calls_time_{'day' if filters.by_day else 'hour'}_{revision}"


def selected_range(filters: FilterValues) -> tuple[datetime, datetime] | None:
    """Return start and end of the time range selected within the span; ``None`` if the whole span is shown."""
    if filters.part.since == filters.whole.since and filters.part.until is None:
        return None
    return filters.part.since or datetime.min.replace(tzinfo=UTC), filters.part.until or datetime.max.replace(
        tzinfo=UTC
    )


def without_time_range(filters: FilterValues) -> CubePart:
    """Return the conditions for the chart over time: the whole span, so that a range can be selected in it."""
    return replace(filters.part, since=filters.whole.since, until=None)


def chart(
    name: str, inputs: object, build: Callable[[], Drawn], description: str, filters_of: Callable[[Any], dict[str, Any]]
) -> None:
    """
    Draw a chart with a selection that sets filters.

    Args:
        name: Key of the chart. Include the current selection, so that a change of it resets the chart.
        inputs: All that the chart depends on besides the account view.
        build: Builds the chart, with a selection named ``PICK`` or ``BRUSH``.
        description: Description of the chart.
        filters_of: Returns the filter values for a selection.
    """
    name = visible(name)

    def apply_selection() -> None:
        selection = st.session_state[name]["selection"]
        st.session_state.update(filters_of(selection.get(encodings.PICK) or selection.get(encodings.BRUSH) or {}))

    charts.draw_selectable(
        charts.cached_plot(name, inputs, build, ages=False), description, key=name, on_select=apply_selection
    )


def pick_filter(name: str) -> Callable[[Any], dict[str, Any]]:
    """Return a function that turns a click on a bar into the filter of a dimension; a second click clears it."""
    key = DIMENSION_KEYS[name]

    def filters_of(selection: Any) -> dict[str, Any]:
        value = selection[0][name] if selection else ""
        return {key: "" if value == st.session_state.get(key) else value}

    return filters_of


def brush_filter(filters: FilterValues, zone: ZoneInfo) -> Callable[[Any], dict[str, Any]]:
    """Return a function that turns a time range drawn on the chart into the time filter, in whole days or hours."""
    step = "D" if filters.by_day else "h"

    def filters_of(selection: Any) -> dict[str, Any]:
        if not selection or "from_at" not in selection:
            st.session_state[BRUSHED] = [None, None]
            return {BEGIN: None, END: None}
        low, high = (pd.Timestamp(int(at), unit="ms", tz="UTC").tz_convert(zone) for at in sorted(selection["from_at"]))
        begin = low.floor(step, ambiguous=True, nonexistent="shift_forward")
        end = high.ceil(step, ambiguous=True, nonexistent="shift_forward")
        times = [at.tz_localize(None).to_pydatetime() for at in (begin, end)]
        st.session_state[BRUSHED] = times
        return dict(zip((BEGIN, END), times, strict=True))

    return filters_of


def span(snapshot: Snapshot, zone: ZoneInfo) -> tuple[datetime, str]:
    """Draw the choice of a time span; return its start and its text for a sentence."""
    window = snapshot.window_days
    spans = SPANS | ({WHOLE: (f"the last {window} days", window)} if window > max(d for _, d in SPANS.values()) else {})
    choice = st.segmented_control(
        "Time",
        list(spans),
        default="7 days",
        required=True,
        key="span",
        bind="query-params",
        label_visibility="collapsed",
        on_change=_forget_stretch,
    )
    words, days = spans[choice or "7 days"]
    if days == 1:
        return (snapshot.taken_at - timedelta(days=days)).replace(minute=0, second=0, microsecond=0), words
    today = pd.Timestamp(snapshot.taken_at).tz_convert(zone).normalize()
    return (today - pd.DateOffset(days=days - 1)).tz_convert("UTC").to_pydatetime(), words


def _moment(label: str, key: str) -> datetime | None:
    return st.datetime_input(label, value=None, key=key, format="YYYY-MM-DD", step=3600, bind="query-params")


def _convert_linked_times(begin: datetime | None, end: datetime | None, zone: ZoneInfo) -> None:
    """
    Record the time zone of the time filters in the URL, and convert the times of a shared link to the viewer's zone.

    A widget takes its value from the link first, so the converted times are set in another run.
    """
    linked_zone = st.query_params.get(IN_ZONE)
    times = {BEGIN: begin, END: end}
    if not any(times.values()):
        st.query_params.pop(IN_ZONE, None)
    elif linked_zone != zone.key:
        st.query_params[IN_ZONE] = zone.key
        with suppress(ZoneInfoNotFoundError, ValueError):  # a link written by hand, or without a time zone
            link_zone = ZoneInfo(linked_zone or "")
            converted = {key: at.replace(tzinfo=link_zone).astimezone(zone) for key, at in times.items() if at}
            st.session_state[MOVED] = {key: at.replace(tzinfo=None) for key, at in converted.items()}
            st.rerun()


def _choice(label: str, name: str, cube: Cube, options: Any, any_label: str) -> str:
    key = DIMENSION_KEYS[name]
    present = set(cube.values(name))
    values = ["", *(value for value in options if value in present or name == "outcome")]
    linked = st.query_params.get(key, "")
    if visible(linked) != linked:
        st.query_params[key] = visible(linked)  # a link contains options as displayed
        st.rerun()
    selected = st.session_state.get(key) or linked
    names = {value: visible(options.get(value, value)) for value in values}
    if selected not in {*values, *names.values(), any_label}:
        values.append(selected)  # a value in the link that no longer exists is kept; it matches no call
    choice = st.selectbox(
        label,
        values,
        key=key,
        bind="query-params",
        format_func=lambda value: visible(options.get(value, value)) or any_label,
    )
    return choice or ""


def _callers(cube: Cube) -> list[str]:
    """Return the ``MOST_CALLERS`` callers with the most calls, sorted by name: PBXs, then unassigned addresses."""
    busiest = cube.sums("who").nlargest(MOST_CALLERS, "calls")["who"]
    return sorted(busiest, key=lambda caller: (caller[:1].isdigit(), caller))


def _forget_stretch() -> None:
    """Clear the selected time range."""
    st.session_state.update({key: None for key in (BEGIN, END) if st.session_state.get(key)})


def _clear() -> None:
    st.session_state.update({**dict.fromkeys(CLEARED, ""), BEGIN: None, END: None})
