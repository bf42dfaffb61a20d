"""Search of the Calls page: conditions in words, search fields, and keyset-paginated single calls."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow
import streamlit as st

from dashboard.calls import CallerClaims, CallFilter, confirmed_callers
from dashboard.calls.analytics import CubePart, sip_status_label
from dashboard.charts import KIND_OF_OUTCOME, OUTCOME_KINDS
from dashboard.core.text import counted
from dashboard.domain.changes import not_counted
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import FILE_ONLY, OUTCOME_LABELS
from dashboard.web import session
from dashboard.web.calls import authorization
from dashboard.web.calls.filters import NUMBER, SOURCE, FilterValues
from dashboard.web.components import empty_states, tables
from dashboard.web.components.formatting import ICONS, exact, money, mono, plain

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
    "shared_address": "source address, which several PBXs share",
}
RECORDS: Final = {"": "In the carrier's export", FILE_ONLY: "Not in the carrier's export"}
"""``provenance`` of the calls to search, to its label."""
PAGE_SIZE = 50
PAGES_KEY = "calls_pages"
TABLE_KEY = "calls_table"


def filters_text(filters: FilterValues, zone: ZoneInfo) -> str:
    """Return the active filters in words, for a sentence."""
    part = filters.part
    whole = filters.whole
    times = [at.astimezone(zone) if at else None for at in (part.since, part.until)]
    begin, end = (f"{at:%-d %b %H:%M}" if at else "" for at in times)
    narrowed = part.since != whole.since or part.until is not None
    period = f"from {begin} to {end or 'now'}" if narrowed else f"in {filters.words}"
    ended = ", ".join(filter(None, [OUTCOME_LABELS.get(part.outcome, part.outcome).lower(), part.code]))
    of = [f"of {part.who}" if part.who else "", f"to {part.zone}" if part.zone else "", f"({ended})" if ended else ""]
    return plain(" ".join(filter(None, [*of, period])))


def file_only_sentence(snapshot: Snapshot, since: datetime | None, until: datetime | None = None) -> str:
    """Return a sentence with the number of outbound calls in a period that only imported files have; empty for zero."""
    if snapshot.file_only_traffic.empty:
        return ""

    def count_file_only() -> int:
        store = session.workspace().store
        rows = store.traffic(since=since or snapshot.window_start or snapshot.taken_at, until=until, file_only=True)
        return int(rows.loc[(rows["direction"] == "outbound").to_numpy(), "calls"].sum())

    calls = session.cached("calls apart", (since, until), count_file_only, ages=False)
    return not_counted(calls) if calls else ""


def unfiltered_file_only_note(snapshot: Snapshot, part: CubePart) -> str:
    """Return ``file_only_sentence``; empty if a filter other than time is set, because its count ignores those."""
    other_filters = (part.who, part.zone, part.code, part.outcome)
    return "" if any(other_filters) else file_only_sentence(snapshot, part.since, part.until)


def show(snapshot: Snapshot, filters: FilterValues, matching: int) -> None:
    """
    Draw the search and one page of the calls that it finds.

    Args:
        snapshot: Snapshot with names, addresses and the account.
        filters: Filters of the page, which apply here too.
        matching: Number of outbound calls that match the filters.
    """
    st.caption(f"Looks through what is chosen above. Times are those of {session.zone().key}.")
    criteria = _draw_criteria(filters, snapshot)
    if criteria.file_only:
        st.caption(
            "These calls are in imported files but not in the carrier's export of their time. They count in no total. "
            "To remove them, run: trunkgate calls drop-imported"
        )
    now = repr((criteria, filters.part))
    if st.session_state.get("calls_asked") != now:
        st.session_state["calls_asked"] = now
        st.session_state[PAGES_KEY] = [None]
    pages: list[tuple[datetime, str] | None] = st.session_state[PAGES_KEY]
    page_key = now, pages[-1]
    calls = session.cached("calls", page_key, lambda: _fetch_page(filters, criteria, pages[-1], snapshot), ages=False)
    if calls.empty:
        empty_states.empty(
            "No call matches. Take a condition off, or choose a longer time.", icon=":material/search_off:"
        )
        return
    page_calls = calls.head(PAGE_SIZE)
    _table(
        session.cached("table of calls", page_key, lambda: _rows(page_calls, snapshot), ages=False),
        page_calls,
        snapshot,
    )
    by_hand = criteria.number or criteria.source_ip or criteria.direction != "outbound" or criteria.file_only
    total = None if by_hand else matching
    _draw_page_buttons(pages, page_calls, snapshot, has_more=len(calls) > PAGE_SIZE, total=total)


def _fetch_page(
    filters: FilterValues, criteria: CallFilter, after: tuple[datetime, str] | None, snapshot: Snapshot
) -> pd.DataFrame:
    """Return one page of attributed calls, plus one more call if there is another page."""
    rows = among(filters.part, snapshot)
    calls = session.workspace().store.calls(criteria, limit=PAGE_SIZE + 1, after=after, among=rows)
    return _claims(snapshot).attribute(calls)


def _claims(snapshot: Snapshot) -> CallerClaims:
    frames = {name: getattr(snapshot, name) for name in ("pbxs", "pbx_addresses", "pbx_numbers")}
    return session.cached("claims", "", lambda: CallerClaims.of(**frames), ages=False)


def _draw_criteria(filters: FilterValues, snapshot: Snapshot) -> CallFilter:
    """Draw the conditions for single calls; return all conditions that do not depend on attribution."""
    with st.grid(3, min_column_width=180):
        number = st.text_input("Number, or part of it", key=NUMBER, bind="query-params", icon=":material/dialpad:")
        address = st.text_input("Source address", key=SOURCE, bind="query-params", icon=":material/lan:")
        direction = st.selectbox(
            "Direction",
            ["outbound", "inbound", ""],
            format_func=lambda value: value.capitalize() or "Both",
            key="direction",
            bind="query-params",
        )
        record = "" if snapshot.file_only_traffic.empty else _record(int(snapshot.file_only_traffic["calls"].sum()))
    part = filters.part
    return CallFilter(
        since=part.since,
        until=part.until,
        number=number or "",
        source_ip=address or "",
        outcome=part.outcome,
        zone=part.zone,
        direction=direction or "",
        file_only=record == FILE_ONLY,
    )


def _record(file_only: int) -> str:
    """Draw the choice between calls in the carrier's export and calls that only imported files have."""
    record = st.selectbox(
        "Record",
        [*RECORDS],
        format_func=lambda value: RECORDS[value],
        help=f"Not in the carrier's export, but in imported files: {counted(file_only, 'call')}.",
        key="record",
        bind="query-params",
    )
    return record or ""


def among(part: CubePart, snapshot: Snapshot) -> pd.DataFrame | None:
    """Return the traffic rows of the selected caller and code; ``None`` if neither is selected."""
    if not (part.who or part.code):
        return None
    rows = snapshot.judged_traffic
    selected = (rows["last_at"] >= part.since).to_numpy()
    if part.who:
        selected = selected & (confirmed_callers.callers_of_judged_traffic(snapshot) == part.who)
    rows = rows[selected]
    if part.code:
        codes = zip(rows["sip_status"], rows["sip_reason"], strict=True)
        named = [sip_status_label(None if pd.isna(code) else int(code), reason) == part.code for code, reason in codes]
        rows = rows[np.array(named, dtype=np.bool_)]
    return rows


def _rows(calls: pd.DataFrame, snapshot: Snapshot) -> pyarrow.Table:
    """Return the rows of the table in Arrow format."""
    frame = pd.DataFrame(
        {
            "outcome": [[OUTCOME_LABELS[outcome]] for outcome in calls["outcome"]],
            "started_at": calls["started_at"].dt.tz_convert(session.zone()),
            "pbx": [snapshot.name_of(pbx_id) if pbx_id else "Unassigned" for pbx_id in calls["pbx_id"]],
            "source_ip": calls["source_ip"],
            "destination": calls["destination"],
            **({"record": "Imported file only"} if (calls["provenance"] == FILE_ONLY).any() else {}),
            "duration_s": calls["duration_s"],
            "cost_usd": calls["cost_usd"].astype("float64"),
            "zone": calls["destination_name"],
            "why": [
                f"{'' if pd.isna(code) else int(code)} {reason}".strip()
                for code, reason in zip(calls["sip_status"], calls["sip_reason"], strict=True)
            ],
        }
    )
    return pyarrow.Table.from_pandas(frame, preserve_index=False)


def _table_key(calls: list[str]) -> str:
    """Return the table's key; a new key, which clears the selection, if a row is selected and the rows have changed."""
    previous_calls, revision = st.session_state.get(TABLE_KEY, (calls, 0))
    ticked = st.session_state.get(f"{TABLE_KEY}_{revision}", {}).get("selection", {}).get("rows")
    if ticked and previous_calls != calls:
        revision += 1
    st.session_state[TABLE_KEY] = (calls, revision)
    return f"{TABLE_KEY}_{revision}"


def _table(rows: pyarrow.Table, calls: pd.DataFrame, snapshot: Snapshot) -> None:
    key = _table_key(list(calls["call_key"]))
    event = st.dataframe(
        tables.sanitized(rows),
        hide_index=True,
        height=tables.height(len(calls), most=12, px=460),
        column_config={
            "outcome": tables.chips(
                "Outcome", {OUTCOME_LABELS[o]: OUTCOME_KINDS[k][1] for o, k in KIND_OF_OUTCOME.items()}, width=170
            ),
            "started_at": tables.at("Started"),
            "pbx": tables.text("PBX", width=80),
            "source_ip": tables.text("Source address", width=115),
            "destination": tables.text("Number dialed", width=110),
            "record": tables.text("Record", width=120),
            "duration_s": st.column_config.NumberColumn("Seconds", width=70),
            "cost_usd": st.column_config.NumberColumn("Cost", format="$%.4f", width=70),
            "zone": tables.text("Destination", width=150),
            "why": tables.text("SIP code and reason", width=260),
        },
        on_select="rerun",
        selection_mode="single-row",
        key=key,
    )
    selected_rows = event["selection"]["rows"]
    if selected_rows and selected_rows[0] < len(calls):
        _detail(calls.iloc[[selected_rows[0]]], snapshot)


def _detail(row: pd.DataFrame, snapshot: Snapshot) -> None:
    """Draw the full record of one call and, if it was refused for authorization, the reason."""
    call = row.iloc[0]
    with st.container(border=True):
        owner = snapshot.name_of(call["pbx_id"]) if call["pbx_id"] else "unassigned"
        st.markdown(
            f"{mono(call['source_ip']) or 'An unknown address'} ({plain(owner)}) called "
            f"{mono(call['destination']) or 'no number'} from {mono(call['caller_id']) or 'an unknown number'}, "
            f"{exact(call['started_at'], session.zone())}."
        )
        if call["outcome"] == "refused_auth":
            code = int(call["sip_status"])
            st.markdown(f":red[{ICONS['error']}] {WHY.get(code, WHY[403])} ({code} {plain(call['sip_reason'])})")
        else:
            has_status = not pd.isna(call["sip_status"])
            ended = f", {int(call['sip_status'])} {plain(call['sip_reason'])}".rstrip() if has_status else ""
            talked = f"{counted(int(call['duration_s'] or 0), 'second')}, {money(call['cost_usd'], digits=4)}"
            st.markdown(f"{OUTCOME_LABELS[call['outcome']]}{ended}: {talked}, to {plain(call['destination_name'])}.")
        if judged := authorization.sentence(row, session.replayer()):
            st.markdown(judged)
        source = TOLD_BY.get(call["attributed_by"], "")
        st.caption(
            f"Told by its {source}. X-Tag: {plain(call['x_tag'] or 'none')}. "
            f"Rate {money(call['rate_usd_per_min'], digits=5)} a minute, billed {call['billed_s']} s. "
            f"Key {mono(call['call_key'])}."
            if source
            else f"No PBX could be told. X-Tag: {plain(call['x_tag'] or 'none')}. Key {mono(call['call_key'])}."
        )


def _draw_page_buttons(
    pages: list[tuple[datetime, str] | None],
    page_calls: pd.DataFrame,
    snapshot: Snapshot,
    *,
    has_more: bool,
    total: int | None,
) -> None:
    last = page_calls.iloc[-1]
    first = (len(pages) - 1) * PAGE_SIZE + 1
    whole = (
        counted(len(page_calls), "call")
        if not has_more and first == 1
        else f"Calls {first:,} to {first + len(page_calls) - 1:,}"
    )
    of = f" of {total:,} that match" if total is not None else ""
    end = of if has_more else ", the last that match" if first > 1 else ": all that match"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Newer", icon=":material/chevron_left:", disabled=len(pages) == 1, key="calls_newer"):
            pages.pop()
            st.rerun()
        st.caption(f"{whole}{end}, newest first", width="content")
        if st.button(
            "Older", icon=":material/chevron_right:", icon_position="right", disabled=not has_more, key="calls_older"
        ):
            pages.append((last["started_at"].to_pydatetime(), str(last["call_key"])))
            st.rerun()
        tables.download("calls", len(page_calls), lambda: page_calls, snapshot, key="calls_csv")
