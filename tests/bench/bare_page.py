"""
The floor of the pages: the same widgets, charts and tables as ours, drawn from constant data by Streamlit alone.

Its script makes its charts at each run, as scripts do. Titles, labels and places are those of the dashboard, so
that the same clicks can be made on both. What is
loaded is taken out of the garbage collector's sight here too, because Streamlit is twice as quick with it.
"""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta

import altair as alt
import pandas as pd
import streamlit as st

ENDINGS = ("Answered", "Busy or no answer", "Refused for authorization", "Gave up", "Network", "Refused, why not known")
DAYS, PBXS, HOURS, CALLS, FINDINGS = 30, 40, 24, 50, 25
NAMES = [f"PBX{number:03}" for number in range(PBXS)]
BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
ENTRIES, LISTED = 2_000, ["Address", "PBX", "Label"]
COLORS = alt.Color("outcome:N", scale=alt.Scale(domain=list(ENDINGS)))


@st.cache_resource
def settle() -> None:
    """Collect once, as the dashboard does."""
    gc.collect()
    gc.freeze()


@st.cache_resource
def data() -> dict[str, pd.DataFrame]:
    """Return what is drawn, always the same."""
    days = [(BEGUN + timedelta(days=day), name, 100 + day) for day in range(DAYS) for name in ENDINGS]
    kinds = [(pbx, name, number) for number, pbx in enumerate(NAMES) for name in ENDINGS]
    week = [(day, hour, day * hour) for day in range(7) for hour in range(HOURS)]
    calls = [
        [["Answered"], BEGUN, NAMES[row % PBXS], "198.18.0.1", "12025550100", row, 0.01, "UNITED STATES", "200 OK"]
        for row in range(CALLS)
    ]
    findings = [[["High"], NAMES[row % PBXS], "What should hold", BEGUN] for row in range(FINDINGS)]
    titles = ["outcome", "Started", "PBX", "Source address", "Number dialed", "Seconds", "Cost", "Destination", "Why"]
    return {
        "time": pd.DataFrame(days, columns=["at", "outcome", "calls"]),
        "pbx": pd.DataFrame(kinds, columns=["who", "outcome", "calls"]),
        "codes": pd.DataFrame(kinds[: 8 * len(ENDINGS)], columns=["who", "outcome", "calls"]),
        "zones": pd.DataFrame({"who": NAMES[:14], "calls": range(14)}),
        "week": pd.DataFrame(week, columns=["day", "hour", "calls"]),
        "calls": pd.DataFrame(calls, columns=titles),
        "sides": pd.DataFrame([[name, *([0.5, 100] * 5)] for name in NAMES], columns=["PBX", *map(str, range(10))]),
        "list": pd.DataFrame([[f"198.18.{n // 250}.{n % 250}", "PBX", ""] for n in range(ENTRIES)], columns=LISTED),
        "findings": pd.DataFrame(findings, columns=["State", "Subject", "What", "Since"]),
        "panels": pd.DataFrame(
            [(name, *row) for name in NAMES[:12] for row in days[:DAYS]], columns=["who", "at", "outcome", "calls"]
        ),
    }


def header() -> None:
    """Draw what stands above every page."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.markdown("Flowroute account", width="content")
        st.badge("Synced", color="gray")
        st.button("Sync now", key="sync")


def overview() -> None:
    """Draw figures, a list with buttons, small multiples and two tables."""
    st.title("Overview of constant data")
    with st.grid(4, min_column_width=150):
        for name in ("Calls admitted, 24 h", "Refused", "Open findings", "Outbound credentials"):
            st.metric(name, 5, border=True)
    st.subheader("Do first")
    for number in range(6):
        with st.container(border=True):
            text, press = st.columns([5, 1])
            text.markdown("What to do")
            text.caption("Why")
            press.button("Review fix", key=f"fix_{number}")
    panel = alt.Chart(data()["panels"]).mark_bar().encode(x="at:T", y="calls:Q").properties(width=150, height=60)
    st.altair_chart(panel.facet("who:N", columns=4))
    left, right = st.columns(2)
    left.altair_chart(alt.Chart(data()["zones"]).mark_bar().encode(x="calls:Q", y="who:N"))
    right.dataframe(data()["zones"], hide_index=True)


def findings() -> None:
    """Draw pills, a table with a selection, a download, and one finding."""
    st.title("Findings of constant data")
    with st.container(horizontal=True):
        for name in ("State", "Severity", "Can cost", "PBX"):
            st.pills(name, NAMES if name == "PBX" else ENDINGS, selection_mode="multi", key=name)
    st.dataframe(data()["findings"], hide_index=True, on_select="rerun", selection_mode="single-row", key="found")
    st.download_button("Download", data=lambda: b"", file_name="findings.csv")
    with st.container(border=True):
        st.subheader("One finding")
        st.markdown("Why it is thought so")
        st.dataframe(data()["zones"], hide_index=True)
        st.button("Review fix", key="fix")


def calls() -> None:
    """Draw filters, five charts, conditions and a table with a selection."""
    st.title("Calls of constant data")
    st.segmented_control(
        "Time", ["24 h", "7 days", "30 days", "All"], default="7 days", key="span", label_visibility="collapsed"
    )
    with st.grid(3, min_column_width=150):
        st.datetime_input("From", value=None, key="begin")
        st.datetime_input("Up to", value=None, key="end")
        st.selectbox("PBX", ["", *NAMES], key="from")
        st.selectbox("Outcome", ["Any outcome", *ENDINGS], key="outcome")
        st.selectbox("SIP code", ["", "200", "403", "486"], key="code")
        st.selectbox("Destination", ["", "UNITED STATES"], key="zone")
    brush, pick = alt.selection_interval(name="brush", encodings=["x"]), alt.selection_point(name="pick")
    over = alt.Chart(data()["time"]).mark_bar().encode(x="at:T", y="calls:Q", color=COLORS).add_params(brush)
    st.altair_chart(over, on_select="rerun", key="over")
    left, right = st.columns(2)
    for place, name in ((left, "pbx"), (left, "codes"), (right, "zones")):
        stacked = alt.Chart(data()[name]).mark_bar().encode(x="calls:Q", y="who:N")
        stacked = stacked.encode(color=COLORS) if name != "zones" else stacked
        place.altair_chart(stacked.add_params(pick), on_select="rerun", key=f"chart_{name}")
    right.altair_chart(alt.Chart(data()["week"]).mark_rect().encode(x="hour:O", y="day:O", color="calls:Q"))
    with st.grid(3, min_column_width=180):
        st.text_input("Number, or part of it", key="number")
        st.text_input("Source address", key="source")
        st.selectbox("Direction", ["outbound", "inbound"], key="direction")
    event = st.dataframe(
        data()["calls"], hide_index=True, height=460, on_select="rerun", selection_mode="single-row", key="calls_table"
    )
    if event["selection"]["rows"]:
        with st.container(border=True):
            st.markdown("One call")
            st.caption("All of it")
    before, after = st.columns(2)
    before.button("Newer", key="newer")
    after.button("Older", key="older")


def outcomes() -> None:
    """Draw ten figures with their explanations, a choice of the view, and a table."""
    st.title("Outcomes of constant data")
    st.segmented_control(
        "Time", ["24 h", "7 days", "30 days", "All"], default="7 days", key="span", label_visibility="collapsed"
    )
    with st.grid(5, min_column_width=150):
        for number in range(10):
            st.metric(f"Figure {number}", "70.5%", border=True, help="Formula and source")
    st.subheader("Side by side")
    st.pills("View", ["PBX", "Source", "Destination", "PoP", "Day", "Number", "First seen"], default="PBX", key="view")
    st.dataframe(data()["sides"], hide_index=True)


def what_if() -> None:
    """Draw the replay's figures and bar, an editor of a list, the switch, and what it does by PBX."""
    st.title("What if of constant data")
    with st.grid(4, min_column_width=120):
        for name in ("Unchanged", "Saved", "Broken", "Cannot tell"):
            st.metric(name, 5)
            st.caption("minutes and dollars")
    st.altair_chart(alt.Chart(data()["zones"].head(4)).mark_bar().encode(x="calls:Q", color="who:N"))
    left, right = st.columns([6, 5])
    with left:
        st.subheader("Outbound Allowed IPs")
        st.data_editor(data()["list"], num_rows="dynamic", hide_index=True, height=440, key="list")
    with right:
        st.subheader("What changes")
        chosen = st.segmented_control("Outbound credentials", ["As now", "On", "Off"], default="As now", key="switch")
        st.caption("What is said")
        with st.container(horizontal=True):
            st.button("Review as a plan", type="primary")
            st.button("Start over")
    if chosen != "As now":
        st.subheader("By PBX")
        st.dataframe(data()["sides"], hide_index=True, on_select="rerun", selection_mode="single-row", key="by")


page = st.navigation(
    [
        st.Page(overview, title="Overview", url_path="overview", default=True),
        st.Page(findings, title="Findings", url_path="findings"),
        st.Page(calls, title="Calls", url_path="calls"),
        st.Page(outcomes, title="Outcomes", url_path="outcomes"),
        st.Page(what_if, title="What if", url_path="what_if"),
    ]
)
header()
page.run()
settle()
