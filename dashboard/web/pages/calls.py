"""Calls page: outcomes, callers and costs of outbound calls, and the search for single calls."""

from __future__ import annotations

import streamlit as st

from dashboard import charts
from dashboard.charts import frames
from dashboard.core.text import counted
from dashboard.domain.capabilities import Capability
from dashboard.domain.claims import lacking
from dashboard.web import session
from dashboard.web.calls import filters, search
from dashboard.web.components import charts as chart_components
from dashboard.web.components import empty_states, page_titles

known = session.snapshot()
cube = session.cube()
zone = session.zone()
title = st.empty()
asked = filters.draw_filters(known, cube)
part = asked.part
step = "day" if asked.by_day else "hour"

outcomes = session.cached("outcomes of calls", part, lambda: cube.sums("outcome", part=part), ages=False)
recorded = Capability.REFUSALS_IN_CDRS in known.capabilities
aside = search.unfiltered_file_only_note(known, part)
title.title(
    page_titles.of_calls(
        outcomes,
        search.filters_text(asked, zone),
        part.outcome,
        lacking=lacking(known, "calls"),
        recorded=recorded,
        not_counted=aside,
    )
)
if session.cached("no calls", asked.whole, lambda: cube.sums(part=asked.whole).empty, ages=False):
    nothing = "No outbound call was read for this time. Choose a longer one."
    empty_states.empty("Nothing to show yet." if lacking(known, "calls") else nothing, icon=":material/call:")
else:
    over = filters.without_time_range(asked)
    stretch = filters.selected_range(asked)
    st.subheader(f"What became of them, by {step}")
    filters.chart(
        filters.time_key(asked),
        (over, stretch),
        lambda: charts.outcomes_over_time(
            session.cached(
                "outcomes over time",
                (over, step),
                lambda: frames.outcomes(cube, over, known.taken_at, zone, by_day=asked.by_day),
                ages=False,
            ),
            now=known.taken_at,
            brush=True,
            selected_range=stretch,
        ),
        "Outbound calls by outcome over time; draw over a stretch of time to look at it alone",
        filters.brush_filter(asked, zone),
    )
    if outcomes.empty:
        empty_states.empty(
            "No call matches. Take a condition off, or choose a longer time.", icon=":material/search_off:"
        )
    else:
        left, right = st.columns(2, gap="large")
        with left:
            st.subheader("By PBX")
            filters.chart(
                f"calls_by_pbx_{part.who}",
                part,
                lambda: charts.calls_by_pbx(frames.by_pbx(cube, asked.without("who")), selected=part.who),
                "Outbound calls by PBX and outcome; choose one to look at it alone",
                filters.pick_filter("who"),
            )
            st.subheader("By SIP code")
            filters.chart(
                f"calls_by_code_{part.code}",
                part,
                lambda: charts.calls_by_code(frames.by_code(cube, asked.without("code")), selected=part.code),
                "Outbound calls by final SIP code; choose one to look at it alone",
                filters.pick_filter("code"),
            )
        with right:
            st.subheader("Costliest destinations")
            costs = session.cached(
                "costs", part, lambda: frames.by_destination(cube, asked.without("zone")), ages=False
            )
            if costs.empty:
                st.caption("No charge is on record for these calls.")
            else:
                filters.chart(
                    f"calls_by_zone_{part.zone}",
                    part,
                    lambda: charts.top_destinations(costs, selected=part.zone),
                    "Destinations by cost; choose one to look at it alone",
                    filters.pick_filter("zone"),
                )
            st.subheader("Hour of the week")
            hours = frames.zone_of_hours(zone, part.since or known.window_start or known.taken_at, known.taken_at)
            week = session.cached("week", part, lambda: frames.by_hour_of_week(cube, part, hours), ages=False)
            chart_components.show(
                chart_components.cached_plot("week", part, lambda: charts.hour_of_week(week), ages=False),
                "Calls by hour of the week",
            )
            st.caption(
                f"The busiest hour has {counted(int(week['value'].max()), 'call')}. {frames.hours_note(hours, zone)}"
            )
st.subheader("Find a call")
search.show(known, asked, int(outcomes["calls"].sum()))
