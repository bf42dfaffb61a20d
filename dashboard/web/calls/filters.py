"""
The filters of the calls page: widgets bound to the address of the page, and clicks on charts that set them.

A chart narrows everything but itself, so that what was chosen can be seen beside the rest and chosen anew.
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

from dashboard.calls.analytics.cube import Cube, Part
from dashboard.charts.charts import Drawn
from dashboard.charts.encodings import BRUSH, PICK
from dashboard.core.text import visible
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import OUTCOME_LABELS
from dashboard.web import session
from dashboard.web.components import charts as plots
from dashboard.web.outcomes.rows import whole_hour

SPANS: Final = {"24 h": ("the last 24 hours", 1), "7 days": ("the last 7 days", 7), "30 days": ("the last 30 days", 30)}
WHOLE: Final = "All"
HOURS_UP_TO = timedelta(days=3)
MOST_CALLERS = 200
"""Callers to choose from; whoever calls less is found by the address."""
DIMENSION_KEYS: Final = {"who": "from", "code": "code", "zone": "zone", "outcome": "outcome"}
"""Dimensions of the cube to the names of their filters in the page's address."""
BEGIN, END, IN_ZONE, MOVED = "begin", "end", "in", "calls_moved"
SHOWN, BRUSHED = "calls_time_shown", "calls_time_brushed"
"""The stretch of the run before with the turn of its chart, and the one that was last drawn on it."""
NUMBER, SOURCE = "number", "source"
"""Names of the conditions for single calls in the page's address."""
CLEARED: Final = (*DIMENSION_KEYS.values(), NUMBER, SOURCE)


@dataclass(frozen=True)
class Asked:
    """What the filters say."""

    part: Part
    """All of it."""
    whole: Part
    """The time span as such, without anything chosen in it."""
    words: str
    """How a sentence says the span."""
    by_day: bool
    """Whether the span is long enough to be drawn by the day."""

    def without(self, *names: str) -> Part:
        """Return what is asked but for some dimensions: what a chart that chooses among them shows."""
        return replace(self.part, **cast("dict[str, Any]", dict.fromkeys(names, "")))


def ask(snapshot: Snapshot, cube: Cube) -> Asked:
    """
    Draw the filters.

    Args:
        snapshot: For the time.
        cube: For what there is to choose from.
    """
    zone = session.zone()
    st.session_state.update(st.session_state.pop(MOVED, {}))
    begun, words = span(snapshot, zone)
    since = whole_hour(begun)
    with st.grid(3, min_column_width=150, gap="small"):
        begin = _moment("From", BEGIN)
        end = _moment("Up to", END)
        who = _choice(
            "PBX",
            "who",
            cube,
            {value: value for value in session.kept("callers", "", lambda: _callers(cube), ages=False)},
            "Any caller",
        )
        outcome = _choice("Outcome", "outcome", cube, OUTCOME_LABELS, "Any outcome")
        code = _choice("SIP code", "code", cube, {value: value for value in sorted(cube.values("code"))}, "Any code")
        zones = {value: value or "Unknown" for value in sorted(filter(None, cube.values("zone")))}
        to = _choice("Destination", "zone", cube, zones, "Any destination")
    always_there = st.empty()  # what comes and goes moves what follows, and the browser draws all that moves anew
    linked = st.query_params  # at the first run the fields further down have not read them yet
    if any(st.session_state.get(key, linked.get(key)) for key in (*CLEARED, BEGIN, END)):
        always_there.button("Clear filters", icon=":material/filter_alt_off:", key="calls_clear", on_click=_clear)
    _by_own_clock(begin, end, zone)
    whole = Part(since=since)
    begins, ends = (whole_hour(at.replace(tzinfo=zone)) if at else None for at in (begin, end))
    narrowed = Part(begins or since, ends, who=who, outcome=outcome, code=code, zone=to)
    return Asked(narrowed, whole, words, snapshot.taken_at - since > HOURS_UP_TO)


def time_key(asked: Asked) -> str:
    """Return the key of the chart over time; another one, which forgets what was drawn, where that no longer counts."""
    now = [st.session_state.get(key) for key in (BEGIN, END)]
    shown, turn = st.session_state.get(SHOWN, (now, 0))
    if now not in (shown, st.session_state.get(BRUSHED)):
        turn += 1
    st.session_state[SHOWN] = (now, turn)
    return f"calls_time_{'day' if asked.by_day else 'hour'}_{turn}"


def stretch(asked: Asked) -> tuple[datetime, datetime] | None:
    """Return the stretch that was chosen of the whole time, if one was."""
    if asked.part.since == asked.whole.since and asked.part.until is None:
        return None
    return asked.part.since or datetime.min.replace(tzinfo=UTC), asked.part.until or datetime.max.replace(tzinfo=UTC)


def over(asked: Asked) -> Part:
    """Return what the chart over time shows: the whole span, so that a stretch of it can be chosen."""
    return replace(asked.part, since=asked.whole.since, until=None)


def chart(
    name: str, asked: object, make: Callable[[], Drawn], description: str, chosen: Callable[[Any], dict[str, Any]]
) -> None:
    """
    Draw a chart on which something can be chosen.

    Args:
        name: Its key; what is chosen now belongs in it, so that the chart forgets what it was told before.
        asked: All that it depends on beside what is known.
        make: Draws it, with a selection named ``PICK`` or ``BRUSH``.
        description: What it shows.
        chosen: Makes of what was chosen the filters to set.
    """
    name = visible(name)

    def take() -> None:
        found = st.session_state[name]["selection"]
        st.session_state.update(chosen(found.get(PICK) or found.get(BRUSH) or {}))

    plots.pick(plots.one(name, asked, make, ages=False), description, key=name, take=take)


def picked(name: str) -> Callable[[Any], dict[str, Any]]:
    """Return what makes a click on a bar the filter of a dimension; the same bar again takes it off."""
    key = DIMENSION_KEYS[name]

    def chosen(found: Any) -> dict[str, Any]:
        value = found[0][name] if found else ""
        return {key: "" if value == st.session_state.get(key) else value}

    return chosen


def brushed(asked: Asked, zone: ZoneInfo) -> Callable[[Any], dict[str, Any]]:
    """Return what makes a stretch of time, drawn on the chart, the filter of time: whole days or hours."""
    step = "D" if asked.by_day else "h"

    def chosen(found: Any) -> dict[str, Any]:
        if not found or "from_at" not in found:
            st.session_state[BRUSHED] = [None, None]
            return {BEGIN: None, END: None}
        low, high = (pd.Timestamp(int(at), unit="ms", tz="UTC").tz_convert(zone) for at in sorted(found["from_at"]))
        begin, end = (
            low.floor(step, ambiguous=True, nonexistent="shift_forward"),
            high.ceil(step, ambiguous=True, nonexistent="shift_forward"),
        )
        times = [at.tz_localize(None).to_pydatetime() for at in (begin, end)]
        st.session_state[BRUSHED] = times
        return dict(zip((BEGIN, END), times, strict=True))

    return chosen


def span(snapshot: Snapshot, zone: ZoneInfo) -> tuple[datetime, str]:
    """Draw the choice of a time; return its begin, and how a sentence says it."""
    window = snapshot.window_days
    spans = SPANS | ({WHOLE: (f"the last {window} days", window)} if window > max(d for _, d in SPANS.values()) else {})
    chosen = st.segmented_control(
        "Time",
        list(spans),
        default="7 days",
        required=True,
        key="span",
        bind="query-params",
        label_visibility="collapsed",
        on_change=_forget_stretch,
    )
    words, days = spans[chosen or "7 days"]
    if days == 1:
        return (snapshot.taken_at - timedelta(days=days)).replace(minute=0, second=0, microsecond=0), words
    today = pd.Timestamp(snapshot.taken_at).tz_convert(zone).normalize()
    return (today - pd.DateOffset(days=days - 1)).tz_convert("UTC").to_pydatetime(), words


def _moment(label: str, key: str) -> datetime | None:
    return st.datetime_input(label, value=None, key=key, format="YYYY-MM-DD", step=3600, bind="query-params")


def _by_own_clock(begin: datetime | None, end: datetime | None, zone: ZoneInfo) -> None:
    """
    Keep in the page's address whose clock its times are by, and turn those of a shared link into the viewer's.

    A widget takes what a link says first of all, so the times are put into it in another run.
    """
    told, times = st.query_params.get(IN_ZONE), {BEGIN: begin, END: end}
    if not any(times.values()):
        st.query_params.pop(IN_ZONE, None)
    elif told != zone.key:
        st.query_params[IN_ZONE] = zone.key
        with suppress(ZoneInfoNotFoundError, ValueError):  # of a link that somebody wrote by hand, or one without
            theirs = ZoneInfo(told or "")
            moved = {key: at.replace(tzinfo=theirs).astimezone(zone) for key, at in times.items() if at}
            st.session_state[MOVED] = {key: at.replace(tzinfo=None) for key, at in moved.items()}
            st.rerun()


def _choice(label: str, name: str, cube: Cube, options: Any, anything: str) -> str:
    key = DIMENSION_KEYS[name]
    there = set(cube.values(name))
    values = ["", *(value for value in options if value in there or name == "outcome")]
    linked = st.query_params.get(key, "")
    if visible(linked) != linked:
        st.query_params[key] = visible(linked)  # a link names options as they are shown
        st.rerun()
    told = st.session_state.get(key) or linked
    names = {value: visible(options.get(value, value)) for value in values}
    if told not in {*values, *names.values(), anything}:
        values.append(told)  # a link names what is no longer there; it matches nothing, and says so
    found = st.selectbox(
        label,
        values,
        key=key,
        bind="query-params",
        format_func=lambda value: visible(options.get(value, value)) or anything,
    )
    return found or ""


def _callers(cube: Cube) -> list[str]:
    """Return who calls, PBXs and then addresses that nobody owns, those that call most."""
    found = cube.sums("who").nlargest(MOST_CALLERS, "calls")["who"]
    return sorted(found, key=lambda who: (who[:1].isdigit(), who))


def _forget_stretch() -> None:
    """Let go of a stretch of the time that was chosen before."""
    st.session_state.update({key: None for key in (BEGIN, END) if st.session_state.get(key)})


def _clear() -> None:
    st.session_state.update({**dict.fromkeys(CLEARED, ""), BEGIN: None, END: None})
