"""Calls: what became of them, whose they were, what they cost; and any single one of them."""

from __future__ import annotations

import streamlit as st

from dashboard import charts, session
from dashboard.app_parts import answers, call_search, shapes, states

known, zone = session.snapshot(), session.zone()
title = st.empty()
since, words = call_search.span(known)
rows = shapes.outbound(known, since=since)

title.title(answers.of_calls(rows, words))
if rows.empty:
    states.empty("No outbound call was read for this time. Choose a longer one, or sync.", icon=":material/call:")
else:
    st.subheader("What became of them, by day" if call_search.by_day(since, known) else "What became of them, by hour")
    st.altair_chart(
        charts.outcomes_over_time(
            shapes.outcomes(rows, zone, by_day=call_search.by_day(since, known)), now=known.taken_at
        ),
        alt="Outbound calls by outcome over time",
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("By PBX")
        st.altair_chart(charts.calls_by_pbx(shapes.by_pbx(rows)), alt="Outbound calls by PBX and outcome")
        st.subheader("By SIP code")
        st.altair_chart(charts.calls_by_code(call_search.codes(since)), alt="Outbound calls by final SIP code")
    with right:
        st.subheader("Costliest destinations")
        st.altair_chart(charts.top_destinations(shapes.by_destination(rows)), alt="Destinations by cost")
        st.subheader("Hour of the week")
        week = shapes.by_hour_of_week(rows, zone)
        st.altair_chart(charts.hour_of_week(week), alt="Calls by hour of the week")
        st.caption(f"The busiest hour has {int(week['value'].max()):,} calls. Hours are those of {zone.key}.")
st.subheader("Find a call")
call_search.show(known, since, words)
