"""
Floor of the page benchmarks: the dashboard's widgets, charts and tables, drawn from constants by Streamlit alone.

The constants differ for each choice, because the browser redraws no table or chart that a click does not change. The
script creates its charts in each run, as scripts do. Titles, labels and positions equal the dashboard's, so the same
clicks work on both. As in the dashboard, loaded objects are frozen for the garbage collector, because Streamlit is
twice as fast with it.
"""

from __future__ import annotations

import gc
import zlib

import altair as alt
import pandas as pd
import streamlit as st

from tests.bench.bare_data import CHARTS, DAYS, ENDINGS, KINDS, LOCKS, NAMES, WEEK, data

_MULTI = st.column_config.MultiselectColumn
_NUMBER = st.column_config.NumberColumn
_CHIPS = _MULTI("Outcome", width=170, options=list(ENDINGS), color=["green", "gray", "red", "gray", "orange", "orange"])
CALL_COLUMNS = {
    "outcome": _CHIPS,
    "Started": st.column_config.DatetimeColumn("Started", width=130),
    "Seconds": _NUMBER("Seconds", width=70),
    "Cost": _NUMBER("Cost", format="$%.4f", width=70),
}
SIDE_COLUMNS = {str(number): _NUMBER(str(number), format="%.1f%%", width=58, help="Formula") for number in range(10)}
LIST_COLUMNS = {
    name: st.column_config.TextColumn(name, width=115, disabled=name == "PBX") for name in ("Address", "PBX", "Label")
}
BY_COLUMNS = {"Past calls": _MULTI("Past calls", width=100, options=["Broken", "Saved"], color=["red", "green"])}
COLORS = alt.Color("outcome:N", scale=alt.Scale(domain=list(KINDS)))


@st.cache_resource
def settle() -> None:
    """Collect garbage and freeze loaded objects once, as the dashboard does."""
    gc.collect()
    gc.freeze()


def header() -> None:
    """Draw the header of every page."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.markdown("Flowroute account", width="content")
        st.badge("Synced", color="gray")
        st.button("Sync now", key="sync")


def overview() -> None:
    """Draw metrics, a list with buttons, small multiples and two tables."""
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
            if press.button("Review fix", key=f"fix_{number}"):
                review(number)
    panel = alt.Chart(data()["panels"]).mark_bar().encode(x="at:T", y="calls:Q").properties(width=150, height=60)
    st.altair_chart(panel.facet("who:N", columns=4))
    left, right = st.columns(2)
    left.altair_chart(alt.Chart(data()["zones"]).mark_bar().encode(x="calls:Q", y="who:N"))
    right.dataframe(data()["zones"], hide_index=True)


@st.dialog("Review fix", width="medium")
def review(number: int) -> None:
    """Draw the review of a fix: its changes, its replay, its guards and the button that applies it."""
    shown = data(number)
    st.markdown("**What changes**")
    st.markdown("| | Before | After |\n| --- | --- | --- |\n| `198.18.0.1` | not allowed | allowed |")
    replayed(shown)
    with st.container(gap="xxsmall"):
        for lock in range(LOCKS):
            st.markdown(f":green[:material/check_circle:] Guard {lock}")
    st.button("Allow 198.18.0.1", type="primary")


def replayed(shown: dict[str, pd.DataFrame]) -> None:
    """Draw the metrics and the bar of a replay."""
    st.markdown("**What it would have done**")
    grid = st.grid(2, min_column_width=240, gap="small")
    for pair in (0, 2):
        with grid.cell(), st.grid(2, min_column_width=120, gap="small"):
            for place in (pair, pair + 1):
                with st.container(gap=None):
                    st.metric(("Unchanged", "Saved", "Broken", "Cannot tell")[place], int(shown["sides"]["1"][0]))
                    st.caption("minutes and dollars")
    st.altair_chart(alt.Chart(shown["zones"].head(4)).mark_bar().encode(x="calls:Q", color="who:N"))
    st.caption("Whose calls, and how many could be decided")


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
    span = st.segmented_control(
        "Time",
        ["24 h", "7 days", "30 days", "All"],
        default="7 days",
        key="span",
        bind="query-params",
        label_visibility="collapsed",
    )
    with st.grid(3, min_column_width=150, gap="small"):
        st.datetime_input("From", value=None, key="begin")
        st.datetime_input("Up to", value=None, key="end")
        who = st.selectbox("PBX", ["", *NAMES], key="from")
        outcome = st.selectbox("Outcome", ["Any outcome", *ENDINGS], key="outcome")
        st.selectbox("SIP code", ["", "200", "403", "486"], key="code")
        st.selectbox("Destination", ["", "UNITED STATES"], key="zone")
    if who or outcome != "Any outcome":
        st.button("Clear filters", icon=":material/filter_alt_off:", key="clear")
    shown = data(span, who, outcome)
    brush = alt.selection_interval(name="brush", encodings=["x"])
    pick = alt.selection_point(name="pick")
    days = WEEK if span == "7 days" else DAYS
    over = (
        alt.Chart(shown["time"].head(days * len(KINDS)))
        .mark_bar()
        .encode(x="at:T", y="calls:Q", color=COLORS)
        .add_params(brush)
    )
    st.subheader("What became of them")
    drawn = st.altair_chart(over, on_select="rerun", key="over")
    shown = data(span, who, outcome, repr(drawn), *(repr(st.session_state.get(f"chart_{name}")) for name in CHARTS))
    left, right = st.columns(2, gap="large")
    for place, name in ((left, "pbx"), (left, "codes"), (right, "zones")):
        place.subheader(name)
        stacked = alt.Chart(shown[name]).mark_bar().encode(x="calls:Q", y="who:N")
        stacked = stacked.encode(color=COLORS) if name != "zones" else stacked
        noted = alt.Chart(shown[name]).mark_text(dx=6).encode(x="sum(calls):Q", y="who:N", text="sum(calls):Q")
        place.altair_chart(stacked.add_params(pick) + noted, on_select="rerun", key=f"chart_{name}")
    right.subheader("Hour of the week")
    right.altair_chart(alt.Chart(shown["week"]).mark_rect().encode(x="hour:O", y="day:O", color="calls:Q"))
    right.caption("What is said")
    st.subheader("Find a call")
    st.caption("What is said")
    with st.grid(3, min_column_width=180):
        number = st.text_input("Number, or part of it", key="number", icon=":material/dialpad:")
        st.text_input("Source address", key="source", icon=":material/lan:")
        st.selectbox("Direction", ["outbound", "inbound"], key="direction")
    event = st.dataframe(
        (data(number) if number else shown)["calls"],
        hide_index=True,
        height=460,
        column_config=CALL_COLUMNS,
        on_select="rerun",
        selection_mode="single-row",
        key="calls_table",
    )
    if event["selection"]["rows"]:
        with st.container(border=True):
            st.markdown("One call")
            st.markdown("Why")
            st.markdown("Whether it was authorized")
            st.caption("All of it")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Newer", icon=":material/chevron_left:", key="newer")
        st.caption("How many", width="content")
        st.button("Older", icon=":material/chevron_right:", key="older")
        st.download_button("Download", data=lambda: b"", file_name="calls.csv")


def outcomes() -> None:
    """Draw ten metrics with their explanations, a view selector and a table."""
    title = st.empty()
    span = st.segmented_control(
        "Time",
        ["24 h", "7 days", "30 days", "All"],
        default="7 days",
        key="span",
        bind="query-params",
        label_visibility="collapsed",
    )
    title.title(f"Outcomes of constant data, {span}")
    shown = data(span)
    with st.grid(5, min_column_width=140, gap="small"):
        for number in range(10):
            st.metric(
                f"Figure {number}",
                f"{shown['sides']['1'][number]:,}",
                "of so many calls",
                delta_color="off",
                delta_arrow="off",
                border=True,
                height="stretch",
                help="Formula and source",
            )
    st.subheader("Side by side")
    st.pills("View", ["PBX", "Source", "Destination", "PoP", "Day", "Number", "First seen"], default="PBX", key="view")
    st.dataframe(shown["sides"], hide_index=True, column_config=SIDE_COLUMNS, key="sides")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("How many", width="content")
        st.download_button("Download", data=lambda: b"", file_name="outcomes.csv")


def what_if() -> None:
    """Draw the replay's metrics and bar, a list editor, the credentials switch, and the effect by PBX."""
    title = st.empty()
    numbers = st.container()
    left, right = st.columns([6, 5], gap="medium")
    with left:
        st.subheader("Outbound Allowed IPs")
        st.data_editor(
            data()["list"], num_rows="dynamic", hide_index=True, height=440, column_config=LIST_COLUMNS, key="list"
        )
    with right:
        st.subheader("What changes")
        chosen = st.segmented_control("Outbound credentials", ["As now", "On", "Off"], default="As now", key="switch")
        with st.container(gap="xxsmall"):
            st.markdown(f"What changes: {chosen}")
            st.caption("What is said")
        with st.container(horizontal=True):
            st.button("Review as a plan", type="primary", disabled=chosen == "As now")
            st.button("Start over", icon=":material/undo:", disabled=chosen == "As now")
    shown = data(chosen)
    title.title(f"What if of constant data, {chosen}")
    with numbers:
        replayed(shown)
    if chosen != "As now":
        st.subheader("By PBX")
        by_pbx(shown["by"])


@st.fragment
def by_pbx(rows: pd.DataFrame) -> None:
    """Draw a label selector and a table of its PBXs."""
    st.pills("Only", ["Broken", "Saved", "Cannot tell"], key="label", label_visibility="collapsed")
    st.dataframe(
        rows,
        hide_index=True,
        height=380,
        column_config=BY_COLUMNS,
        on_select="rerun",
        selection_mode="single-row",
        key=f"by_{zlib.crc32(repr(rows['1'][0]).encode())}",
    )
    st.caption("Choose one")


st.set_page_config(layout="wide")
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
