"""Parts of the Outcomes page: figures with their formulas, a table by the selected dimension, and what is new."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from dashboard.calls.analytics import metrics
from dashboard.domain.claims import lacking
from dashboard.domain.snapshot import Snapshot
from dashboard.web import session
from dashboard.web.calls import search
from dashboard.web.components import empty_states, tables
from dashboard.web.components.formatting import owner_of, plain
from dashboard.web.outcomes import numbers_seen
from dashboard.web.outcomes import peaks as outcome_peaks
from dashboard.web.outcomes import rows as outcome_rows
from dashboard.web.outcomes.rows import BY, metric_help

DIALED = "dialed"
NEW = "new"
VIEWS: Final = {**BY, DIALED: "Number dialed", NEW: "First seen"}
PERCENT = 100
SHORT: Final = {
    "calls": "Calls",
    "asr": "ASR",
    "ner": "NER",
    "acd": "ACD",
    "short_calls": "Short calls",
    "refusal_share": "Refused",
    "peak_1s": "Most in a second",
    "peak_60s": "Most in a minute",
    "concurrent": "Most at once",
    "cost": "Cost",
    "ser": "SER",
    "seer": "SEER",
    "isa": "ISA",
}


def title(rows: pd.DataFrame, since: datetime, words: str) -> str:
    """Return the page title; ``words`` is the time span in words."""

    def build_title() -> str:
        return outcome_rows.title(rows, table("pbx", since)[0] if len(rows) else rows, f"in {words}")

    snapshot = session.snapshot()
    old = lacking(snapshot, "calls")
    file_only_note = search.file_only_sentence(snapshot, since)
    if old and rows.empty:
        return f"{old} {file_only_note}".strip()
    headline = session.cached("outcomes title", (since, words), build_title, ages=False)
    return " ".join(filter(None, [headline, old, file_only_note]))


def figures(rows: pd.DataFrame, since: datetime, until: datetime) -> None:
    """Draw the figures over all calls; a tooltip explains each one and states what it was computed from."""
    store = session.workspace().store
    zone = session.zone()
    metrics_by_name = session.cached(
        "outcome figures",
        since,
        lambda: outcome_rows.figures(rows, store.load(since=since, until=until), zone),
        ages=False,
    )
    with st.grid(5, min_column_width=140, gap="small"):
        for name, metric in metrics_by_name.items():
            st.metric(
                SHORT[name],
                metric.value,
                metric.why or None,
                delta_color="off",
                delta_arrow="off",
                help=metric_help(name, metric.behind),
                border=True,
                height="stretch",
            )


def view(snapshot: Snapshot, since: datetime) -> None:
    """Draw the choice of a dimension and its table."""
    by = (
        st.pills(
            "By",
            list(VIEWS),
            default="pbx",
            required=True,
            format_func=VIEWS.__getitem__,
            key="by",
            bind="query-params",
            label_visibility="collapsed",
        )
        or "pbx"
    )
    if by == DIALED:
        _draw_dialed(snapshot, since)
    elif by == NEW:
        _draw_new(snapshot, since)
    else:
        _by(by, snapshot, since)


def table(by: str, since: datetime) -> tuple[pd.DataFrame, int, pd.DataFrame]:
    """Return the table by one of ``BY``, the number of groups without the row limit, and the calls behind its rows."""

    def build_table() -> tuple[pd.DataFrame, int, pd.DataFrame]:
        group_rows = rows(by, since)
        ratio_table = outcome_rows.table(group_rows)
        return ratio_table, group_rows["of"].nunique(), group_rows[group_rows["of"].isin(ratio_table["of"])]

    return session.cached(f"outcome table {by}", since, build_table, ages=False)


def rows(by: str, since: datetime) -> pd.DataFrame:
    """Return the calls summed by one of ``BY``, or over all calls for ``""``."""
    store = session.workspace().store
    snapshot = session.snapshot()
    return outcome_rows.grouped(
        by, cube=session.cube(), snapshot=snapshot, store=store, since=since, zone=session.zone()
    )


def _by(by: str, snapshot: Snapshot, since: datetime) -> None:
    ratio_table, total, group_rows = table(by, since)
    name = f"day in {session.zone().key}" if by == "day" else by
    if by == "day":
        ratio_table = ratio_table.sort_values("of", ascending=False, ignore_index=True)
    if by == "pop" and not outcome_rows.pops_of(snapshot):
        empty_states.empty("No PBX's PoP is known. Name them on Inventory.", icon=":material/help:")
        return
    display = session.cached(
        f"outcomes shown {by}", since, lambda: _display_rows(ratio_table, by, snapshot), ages=False
    )
    peaks = outcome_peaks.peaks_of(by, since)
    if peaks is not None:
        display = display.join(peaks.set_index("of").astype("Int64"), on="of")
    event: Any = st.dataframe(
        tables.sanitized(display),
        hide_index=True,
        height=tables.height(len(display)),
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "of": tables.text(BY[by], width={"source": 108, "destination": 200, "day": 90}.get(by, 140)),
            "whose": tables.text("Whose", width=108),
            "calls": st.column_config.NumberColumn("Calls", format="localized", width=65),
            "asr": _share("asr"),
            "between": st.column_config.TextColumn(
                "95% interval", width=88, help="Of the ASR: Wilson's score interval."
            ),
            "acd_s": st.column_config.NumberColumn(SHORT["acd"], format="%.0f s", width=54, help=metric_help("acd")),
            "cost_usd": st.column_config.NumberColumn("Cost", format="dollar", width=70),
            **{name: _share(name) for name in outcome_rows.SHARES if name != "asr"},
            **outcome_peaks.columns(),
        },
        column_order=[
            "of",
            *(["whose"] if by == "source" else []),
            "calls",
            *(metrics.PEAKS if peaks is not None else ()),
            "asr",
            "between",
            *outcome_rows.SHARES[1:4],
            "acd_s",
            "cost_usd",
            *outcome_rows.SHARES[4:],
        ],
        placeholder="-",
        key=f"outcomes_{by}",
    )
    for position in event.selection.rows[:1]:
        if position < len(ratio_table):
            _draw_share_details(group_rows, str(ratio_table["of"].iloc[position]))
    st.caption(f"{outcome_rows.table_note(by, len(ratio_table), total)} {outcome_peaks.peaks_note(by, since)}".strip())
    with st.container(horizontal=True, vertical_alignment="center"):
        if by != "day":
            outcome_peaks.button(by, snapshot, since)
        tables.download(
            f"outcomes-by-{by}",
            len(ratio_table),
            lambda: outcome_rows.export_rows(group_rows, name, list(ratio_table["of"]), peaks),
            snapshot,
            key=f"outcomes_csv_{by}",
        )


def _draw_share_details(rows: pd.DataFrame, of: str) -> None:
    """Draw the numerator, denominator and interval of each share of a row."""
    shares = outcome_rows.share_details(rows, of)
    st.caption(f"What stands behind the shares of {plain(of)}; a dash: too few calls.")
    display = shares.assign(
        value=shares["value"] * PERCENT,
        between=[
            "" if pd.isna(low) else f"{low:.1%} to {high:.1%}"
            for low, high in zip(shares["low"], shares["high"], strict=True)
        ],
    )
    st.dataframe(
        tables.sanitized(display),
        hide_index=True,
        column_config={
            "ratio": tables.text("Share", width=300),
            "value": st.column_config.NumberColumn("Value", format="%.1f%%", width=70),
            "between": tables.text("95% interval", width=110),
            "numerator": tables.whole("Calls"),
            "denominator": tables.whole("Of"),
        },
        column_order=["ratio", "value", "between", "numerator", "denominator"],
        placeholder="-",
        width="content",
        key="outcomes_behind",
    )


def _display_rows(ratio_table: pd.DataFrame, by: str, snapshot: Snapshot) -> pd.DataFrame:
    return ratio_table.drop(columns=["low", "high"]).assign(
        between=[_between(low, high) for low, high in zip(ratio_table["low"], ratio_table["high"], strict=True)],
        cost_usd=ratio_table["cost_usd"].astype("float64"),
        **{name: ratio_table[name].astype("Float64") * PERCENT for name in outcome_rows.SHARES},
        **({"whose": [owner_of(address, snapshot) for address in ratio_table["of"]]} if by == "source" else {}),
    )


def _draw_dialed(snapshot: Snapshot, since: datetime) -> None:
    store = session.workspace().store
    numbers = session.cached("dialed", since, lambda: numbers_seen.dialed(store, since, snapshot.taken_at), ages=False)
    if numbers.empty:
        empty_states.empty("No number dialed is on record for this time.", icon=":material/dialpad:")
        return
    display = numbers.assign(cost_usd=numbers["cost_usd"].astype("float64"), last_at=_local(numbers["last_at"]))
    st.dataframe(
        tables.sanitized(display),
        hide_index=True,
        height=tables.height(len(display)),
        column_config={
            "destination": tables.text("Number dialed", width=105),
            "country": tables.text("Country", width=110),
            "kind": tables.text("Kind of number", width=105),
            "zone": tables.text("Destination", width=165),
            "calls": st.column_config.NumberColumn("Calls", format="localized", width=60),
            "minutes": st.column_config.NumberColumn("Minutes", format="%.0f", width=65),
            "cost_usd": st.column_config.NumberColumn("Cost", format="dollar", width=75),
            "last_at": tables.at("Last call"),
        },
        column_order=["destination", "country", "kind", "zone", "calls", "minutes", "cost_usd", "last_at"],
        placeholder="-",
        key="outcomes_dialed",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        most = len(numbers) == numbers_seen.MOST_DIALED
        st.caption(f"The {len(numbers)} that cost most." if most else "The costliest first.", width="content")
        tables.download("numbers-dialed", len(numbers), lambda: numbers, snapshot, key="outcomes_csv_dialed")


def _draw_new(snapshot: Snapshot, since: datetime) -> None:
    store = session.workspace().store
    result = session.cached("new", since, lambda: numbers_seen.new(store, since, snapshot.taken_at), ages=False)
    new_rows = result.rows
    if new_rows.empty:
        empty_states.empty(numbers_seen.new_values_text(result), icon=":material/history:")
        return
    st.caption(numbers_seen.new_values_text(result))
    display = new_rows.assign(
        kind=new_rows["kind"].map({"source": "Source address", "zone": "Destination"}),
        cost_usd=new_rows["cost_usd"].astype("float64"),
        first_at=_local(new_rows["first_at"]),
        which=[
            f"{value} ({owner_of(value, snapshot)})" if kind == "source" else value
            for kind, value in zip(new_rows["kind"], new_rows["value"], strict=True)
        ],
    )
    st.dataframe(
        tables.sanitized(display),
        hide_index=True,
        height=tables.height(len(display)),
        column_config={
            "first_at": tables.at("First call"),
            "kind": tables.text("What", width=105),
            "which": tables.text("Which", width=200),
            "country": tables.text("Country", width=105),
            "number_type": tables.text("Kind of number", width=110),
            "calls": tables.whole("Calls since"),
            "cost_usd": tables.usd("Cost since"),
        },
        column_order=["first_at", "kind", "which", "country", "number_type", "calls", "cost_usd"],
        key="outcomes_new",
    )
    tables.download("first-seen", len(new_rows), lambda: new_rows, snapshot, key="outcomes_csv_new")


def _share(name: str) -> Any:
    return st.column_config.NumberColumn(
        SHORT[name].removesuffix(" calls"), format="%.1f%%", width=58, help=metric_help(name)
    )


def _between(low: Any, high: Any) -> str:
    if pd.isna(low):
        return ""
    whole = f"{low:.0%}", f"{high:.0%}"
    return " to ".join(whole) if len(set(whole)) > 1 else f"{low:.1%} to {high:.1%}"


def _local(times: pd.Series) -> pd.Series:
    local_times: pd.Series = times.dt.tz_convert(session.zone())
    return local_times
