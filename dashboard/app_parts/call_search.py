"""The calls page: the time looked at, the search, and pages of single calls by key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import pandas as pd
import streamlit as st

from dashboard import session
from dashboard.app_parts import grids, states
from dashboard.app_parts.words import ICONS, count, exact, money, plain
from dashboard.calls.attribution import attribute
from dashboard.calls.store import CallFilter
from dashboard.charts import KIND_OF, KINDS
from dashboard.snapshot import Snapshot
from dashboard.tables import OUTCOME_LABELS

SPANS: Final = {"24 h": ("the last 24 hours", 1), "7 days": ("the last 7 days", 7), "30 days": ("the last 30 days", 30)}
WHY: Final = {
    401: "Refused: it was asked for credentials and gave none that are valid.",
    403: "Refused: its source address and the prefix it dialed are not authorized together.",
    407: "Refused: it was asked for credentials and gave none that are valid.",
}
TOLD_BY: Final = {
    "x_tag": "X-Tag",
    "address": "source address",
    "caller_id": "caller id",
    "number": "number",
}
PAGE_SIZE = 50
PAGES_KEY = "calls_pages"
HOURS_UP_TO = timedelta(days=3)
MOST_CODES = 8


def span(snapshot: Snapshot) -> tuple[datetime, str]:
    """Draw the choice of time; return its start and how a sentence says it."""
    chosen = st.segmented_control(
        "Time",
        list(SPANS),
        default="7 days",
        required=True,
        key="span",
        bind="query-params",
        label_visibility="collapsed",
    )
    words, days = SPANS[chosen or "7 days"]
    if days == 1:
        return snapshot.taken_at - timedelta(days=days), words
    today = pd.Timestamp(snapshot.taken_at).tz_convert(session.zone()).normalize()
    return (today - pd.DateOffset(days=days - 1)).tz_convert("UTC").to_pydatetime(), words


def by_day(since: datetime, snapshot: Snapshot) -> bool:
    """Say whether a time is long enough to be drawn by the day."""
    return snapshot.taken_at - since > HOURS_UP_TO


def codes(since: datetime) -> pd.DataFrame:
    """Return what ``charts.calls_by_code`` takes, with the carrier's reason beside each code."""
    return _codes(session.generation()[1], since.replace(minute=0, second=0, microsecond=0))


@st.cache_data(max_entries=20, show_spinner=False)
def _codes(digest: str, since: datetime) -> pd.DataFrame:  # noqa: ARG001 - the cache's key
    rows = session.workspace().store.by_reason(since=since, direction="outbound")
    status = ["no code" if pd.isna(code) else str(int(code)) for code in rows["sip_status"]]
    code = [f"{code} {reason.split(' - ')[0]}".strip() for code, reason in zip(status, rows["sip_reason"], strict=True)]
    named = rows.assign(code=code, kind=rows["outcome"].map(KIND_OF))
    top = named.groupby("code")["calls"].sum().nlargest(MOST_CODES).index
    return named[named["code"].isin(top)].groupby(["code", "kind"], as_index=False)[["calls"]].sum()


def show(snapshot: Snapshot, since: datetime, words: str) -> None:
    """
    Draw the search and the page of calls that it finds.

    Args:
        snapshot: For names, addresses and the account.
        since: Start of the time looked at.
        words: How a sentence says that time.
    """
    st.caption(f"Looks through {words}, as chosen above. Times are those of {session.zone().key}.")
    where, pbx_id = _asked(since, snapshot)
    asked = repr((where, pbx_id))
    if st.session_state.get("calls_asked") != asked:
        st.session_state["calls_asked"], st.session_state[PAGES_KEY] = asked, [None]
    pages: list[tuple[datetime, str] | None] = st.session_state[PAGES_KEY]
    among = None
    if pbx_id:
        traffic = snapshot.traffic
        among = traffic[(traffic["pbx_id"] == pbx_id) & (traffic["last_at"] >= since)]
    found = session.workspace().store.calls(where, limit=PAGE_SIZE + 1, after=pages[-1], among=among)
    if found.empty:
        states.empty("No call matches. Take a condition off, or choose a longer time.", icon=":material/search_off:")
        return
    shown = found.head(PAGE_SIZE)
    owned = attribute(shown, pbxs=snapshot.pbxs, pbx_addresses=snapshot.pbx_addresses, pbx_numbers=snapshot.pbx_numbers)
    _table(owned, snapshot)
    _turn(pages, owned, snapshot, more=len(found) > PAGE_SIZE)


def _asked(since: datetime, snapshot: Snapshot) -> tuple[CallFilter, str]:
    with st.grid(4, min_column_width=180):
        number = st.text_input("Number, or part of it", key="number", bind="query-params", icon=":material/dialpad:")
        address = st.text_input("Source address", key="source", bind="query-params", icon=":material/lan:")
        outcome = st.selectbox(
            "Outcome",
            ["", *OUTCOME_LABELS],
            format_func=lambda value: OUTCOME_LABELS.get(value, "Any outcome"),
            key="outcome",
            bind="query-params",
        )
        pbx = st.selectbox(
            "PBX",
            ["", *snapshot.pbxs["pbx_id"]],
            key="from",
            bind="query-params",
            format_func=lambda value: snapshot.name_of(value) if value else "Any PBX",
        )
        direction = st.selectbox(
            "Direction",
            ["outbound", "inbound", ""],
            format_func=lambda value: value.capitalize() or "Both",
            key="direction",
            bind="query-params",
        )
        begin = st.datetime_input("From", value=None, key="begin", format="YYYY-MM-DD", step=60)
        end = st.datetime_input("Up to", value=None, key="end", format="YYYY-MM-DD", step=60)
    zone = session.zone()
    where = CallFilter(
        since=begin.replace(tzinfo=zone) if begin else since,
        until=end.replace(tzinfo=zone) if end else None,
        number=number or "",
        source_ip=address or "",
        outcome=outcome or "",
        direction=direction or "",
    )
    return where, pbx or ""


def _table(owned: pd.DataFrame, snapshot: Snapshot) -> None:
    frame = pd.DataFrame(
        {
            "outcome": [[OUTCOME_LABELS[outcome]] for outcome in owned["outcome"]],
            "started_at": owned["started_at"].dt.tz_convert(session.zone()),
            "pbx": [snapshot.name_of(pbx_id) if pbx_id else "Nobody's" for pbx_id in owned["pbx_id"]],
            "source_ip": owned["source_ip"],
            "destination": owned["destination"],
            "duration_s": owned["duration_s"],
            "cost_usd": owned["cost_usd"].astype("float64"),
            "zone": owned["destination_name"],
            "why": [
                f"{'' if pd.isna(code) else int(code)} {reason}".strip()
                for code, reason in zip(owned["sip_status"], owned["sip_reason"], strict=True)
            ],
        }
    )
    event = st.dataframe(
        frame,
        hide_index=True,
        height=grids.height(len(frame), most=12, px=460),
        column_config={
            "outcome": grids.chips("Outcome", {OUTCOME_LABELS[o]: KINDS[k][1] for o, k in KIND_OF.items()}, width=170),
            "started_at": grids.at("Started"),
            "pbx": grids.text("PBX", width=80),
            "source_ip": grids.text("Source address", width=115),
            "destination": grids.text("Number dialed", width=110),
            "duration_s": st.column_config.NumberColumn("Seconds", width=70),
            "cost_usd": st.column_config.NumberColumn("Cost", format="dollar", width=70),
            "zone": grids.text("Destination", width=150),
            "why": grids.text("SIP code and reason", width=260),
        },
        on_select="rerun",
        selection_mode="single-row",
        key="calls_table",
    )
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(owned):
        _detail(owned.iloc[rows[0]], snapshot)


def _detail(call: pd.Series, snapshot: Snapshot) -> None:
    """Say of one call all that its record holds, and why it was refused if it was."""
    with st.container(border=True):
        owner = snapshot.name_of(call["pbx_id"]) if call["pbx_id"] else "nobody's"
        st.markdown(
            f"`{call['source_ip']}` ({plain(owner)}) called `{call['destination']}` from `{call['caller_id']}`, "
            f"{exact(call['started_at'], session.zone())}."
        )
        if call["outcome"] == "refused_auth":
            code = int(call["sip_status"])
            st.markdown(f":red[{ICONS['error']}] {WHY.get(code, WHY[403])} ({code} {plain(call['sip_reason'])})")
        else:
            known = not pd.isna(call["sip_status"])
            ended = f", {int(call['sip_status'])} {plain(call['sip_reason'])}".rstrip() if known else ""
            talked = f"{count(int(call['duration_s'] or 0), 'second')}, {money(call['cost_usd'], digits=4)}"
            st.markdown(f"{OUTCOME_LABELS[call['outcome']]}{ended}: {talked}, to {plain(call['destination_name'])}.")
        found = TOLD_BY.get(call["attributed_by"], "")
        st.caption(
            f"Told by its {found}. X-Tag: {plain(call['x_tag'] or 'none')}. "
            f"Rate \\${float(call['rate_usd_per_min'] or 0):.5f} a minute, billed {call['billed_s']} s. "
            f"Key {call['call_key']}."
            if found
            else f"No PBX could be told. X-Tag: {plain(call['x_tag'] or 'none')}. Key {call['call_key']}."
        )


def _turn(pages: list[tuple[datetime, str] | None], shown: pd.DataFrame, snapshot: Snapshot, *, more: bool) -> None:
    last, first = shown.iloc[-1], (len(pages) - 1) * PAGE_SIZE + 1
    whole = count(len(shown), "call") if not more and first == 1 else f"Calls {first:,} to {first + len(shown) - 1:,}"
    end = "" if more else ", the last that match" if first > 1 else ": all that match"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Newer", icon=":material/chevron_left:", disabled=len(pages) == 1, key="calls_newer"):
            pages.pop()
            st.rerun()
        st.caption(f"{whole}{end}, newest first", width="content")
        if st.button(
            "Older", icon=":material/chevron_right:", icon_position="right", disabled=not more, key="calls_older"
        ):
            pages.append((last["started_at"].to_pydatetime(), str(last["call_key"])))
            st.rerun()
        grids.download("calls", shown, snapshot, key="calls_csv")
