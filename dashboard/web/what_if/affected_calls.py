"""
Past calls behind a replay: by PBX and label, and for the selection the single calls or the numbers dialed.

Single calls and numbers dialed are read only when they are displayed.
"""

from __future__ import annotations

from hashlib import blake2b
from zlib import crc32

import pandas as pd
import streamlit as st

from dashboard.calls import CallFilter, Replay, attribute
from dashboard.calls.ingest import ROLLED_KEYS
from dashboard.charts import KIND_OF_OUTCOME, OUTCOME_KINDS, REPLAY_STATES
from dashboard.core.text import counted, titled
from dashboard.domain.changes import UNASSIGNED
from dashboard.domain.claims import cure
from dashboard.domain.replay_labels import BY_NAME, LABELS
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import OUTCOME_LABELS
from dashboard.services.exports import frames
from dashboard.sip import numbering_plan
from dashboard.web import session
from dashboard.web.components import empty_states, tables
from dashboard.web.components.formatting import plain

LABEL_KEY = "behind_label"
MORE_KEY = "behind_more"
VIEW_KEY = "behind_view"
SINGLE, DIALED = VIEWS = ("Single calls", "Destinations")
CALLS = 50
"""Number of single calls shown initially and added by each press of the button."""
NUMBERS = 200
"""Number of numbers dialed that are shown, most expensive first."""


@st.fragment
def show(answer: Replay) -> None:
    """
    Draw the replay by PBX and label; selecting a label or a row fetches its calls or the numbers dialed.

    Args:
        answer: The replay.
    """
    replay_rows = by_pbx(answer)
    if replay_rows.empty:
        empty_states.empty(
            f"No past outbound call was read yet. {cure(session.snapshot(), 'calls')}", icon=":material/call:"
        )
        return
    labels = [label for label in LABELS if (replay_rows["label"] == label).any()]
    if st.session_state.get(LABEL_KEY) not in labels:
        st.session_state[LABEL_KEY] = None
    label = st.pills(
        "Only calls that are", labels, format_func=_label_text, key=LABEL_KEY, label_visibility="collapsed"
    )
    filtered = replay_rows[replay_rows["label"] == label].reset_index(drop=True) if label else replay_rows
    position = _table(filtered)
    with session.show_errors():
        if position is not None:
            row = filtered.iloc[position]
            _draw_selected(answer, str(row["label"]), str(row["who"]), total=int(row["calls"]))
        elif label:
            _draw_selected(answer, label, "", total=int(filtered["calls"].sum()))
        else:
            st.caption("Choose a label or tick a row to see its calls and the numbers they dialed.")
            tables.download(
                "what-if-by-pbx",
                len(replay_rows),
                lambda: frames.replay_frame(answer),
                session.snapshot(),
                key="behind_by_pbx_csv",
            )


def by_pbx(answer: Replay) -> pd.DataFrame:
    """Return ``Replay.by_pbx`` in the order of the labels, worst first."""
    rows = answer.by_pbx()
    order = rows["label"].map({label: position for position, label in enumerate(LABELS)})
    return rows.assign(order=order).sort_values("order", kind="stable", ignore_index=True).drop(columns="order")


def rows_of(answer: Replay, label: str, caller: str, snapshot: Snapshot) -> pd.DataFrame:
    """
    Return the traffic rows behind a part of a replay.

    Args:
        answer: The replay.
        label: Label of the calls.
        caller: A PBX or an address as named in ``Replay.by_pbx``; ``""`` for all.
        snapshot: Snapshot with the names of the PBXs.
    """
    rows = answer.rows[(answer.rows["label"] == label).to_numpy()]
    if not caller:
        return rows
    pbx_ids = [pbx_id for pbx_id in rows["pbx_id"].unique() if pbx_id and snapshot.name_of(pbx_id) == caller]
    is_unassigned_address = (rows["pbx_id"] == "") & (rows["source_ip"] == caller.removesuffix(UNASSIGNED))
    return rows[rows["pbx_id"].isin([*pbx_ids, caller]) | (is_unassigned_address & caller.endswith(UNASSIGNED))]


def _label_text(label: str) -> str:
    return label.capitalize()


def table_key(rows: pd.DataFrame) -> str:
    """Return the table's key, which depends on the rows, so that a selection does not outlive its row."""
    return f"behind_{crc32(repr([*zip(rows['label'], rows['who'], strict=True)]).encode())}"


def _table(rows: pd.DataFrame) -> int | None:
    """Draw the replay by PBX; return the position of the selected row, ``None`` for none."""
    frame = pd.DataFrame(
        {
            "label": [[_label_text(label)] for label in rows["label"]],
            "who": rows["who"],
            "calls": rows["calls"],
            "minutes": rows["minutes"].round().astype("int64"),
            "cost": rows["cost_usd"].astype("float64"),
            "today": rows["today"].map(titled),
            "then": rows["then"].map(titled),
            "why": rows["why"].map(titled),
        }
    )
    if not rows["why"].any():
        frame = frame.drop(columns="why")
    event = st.dataframe(
        tables.sanitized(frame),
        hide_index=True,
        height=tables.height(len(frame), most=10, px=380),
        column_config={
            "label": tables.chips(
                "Past calls", {_label_text(label): REPLAY_STATES[label] for label in LABELS}, width=105
            ),
            "who": tables.text("PBX or address", width=175),
            "today": tables.text("Admitted today by", width=165),
            "then": tables.text("After the change by", width=165),
            "why": tables.text("Why undecided", width=200),
            "calls": tables.whole("Calls"),
            "minutes": tables.whole("Minutes"),
            "cost": tables.usd("Cost"),
        },
        on_select="rerun",
        selection_mode="single-row",
        key=table_key(rows),
    )
    selected_rows = event["selection"]["rows"]
    return int(selected_rows[0]) if selected_rows and selected_rows[0] < len(rows) else None


def _draw_selected(answer: Replay, label: str, caller: str, *, total: int) -> None:
    """Draw the choice between single calls and numbers dialed, and the selected view."""
    view = st.segmented_control(
        "Show", VIEWS, default=SINGLE, required=True, key=VIEW_KEY, label_visibility="collapsed"
    )
    (_numbers if view == DIALED else _calls)(answer, label, caller, total=total)


def dialed(among: pd.DataFrame) -> pd.DataFrame:
    """
    Return the most expensive numbers dialed by the calls behind rows of a replay, cached.

    Args:
        among: Rows of ``Replay.rows``.

    Returns:
        As ``CallStore.destinations``, with ``country``, ``kind`` and ``minutes``. Sessions share the frame.
    """
    rows = pd.util.hash_pandas_object(among[[*ROLLED_KEYS, "first_at", "last_at"]], index=False)

    def fetched() -> pd.DataFrame:
        return numbering_plan.describe_number(session.workspace().store.destinations(among=among, limit=NUMBERS))

    return session.cached("behind", blake2b(rows.to_numpy().tobytes()).hexdigest(), fetched)


def _numbers(answer: Replay, label: str, caller: str, *, total: int) -> None:
    """Fetch and draw the most expensive numbers dialed, and state how many of the calls went to them."""
    snapshot = session.snapshot()
    with st.spinner("Adding up the numbers dialed"):
        numbers_dialed = dialed(rows_of(answer, label, caller, snapshot))
    st.dataframe(
        tables.sanitized(numbers_dialed.assign(cost_usd=numbers_dialed["cost_usd"].astype("float64"))),
        hide_index=True,
        height=tables.height(len(numbers_dialed), most=10, px=380),
        column_config={
            "destination": tables.text("Number dialed", width=120),
            "country": tables.text("Country", width=120),
            "kind": tables.text("Kind of number", width=120),
            "zone": tables.text("Destination", width=160),
            "calls": tables.whole("Calls"),
            "minutes": st.column_config.NumberColumn("Minutes", format="%.1f", width=80),
            "cost_usd": tables.usd("Cost"),
        },
        column_order=["destination", "country", "kind", "zone", "calls", "minutes", "cost_usd"],
        key="behind_numbers",
    )
    included = int(numbers_dialed["calls"].sum())
    of = f" of {caller}" if caller else ""
    numbers = counted(len(numbers_dialed), "number")
    calls = counted(total, BY_NAME[label].noun, BY_NAME[label].plural)
    costliest = (
        f"The costliest {numbers}, with {included:,} of {calls}" if included < total else f"{numbers} in {calls}"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(f"{costliest}{of}."), width="content")
        tables.download(
            "what-if-destinations", len(numbers_dialed), lambda: numbers_dialed, snapshot, key="behind_numbers_csv"
        )


def _calls(answer: Replay, label: str, caller: str, *, total: int) -> None:
    """Fetch and draw the newest of the calls, and state how many there are in total."""
    snapshot = session.snapshot()
    about, most = st.session_state.get(MORE_KEY, ("", CALLS))
    most = most if about == f"{label} {caller}" else CALLS
    among = rows_of(answer, label, caller, snapshot)
    calls = session.workspace().store.calls(CallFilter(direction="outbound"), limit=most, among=among)
    attributed = attribute(
        calls, pbxs=snapshot.pbxs, pbx_addresses=snapshot.pbx_addresses, pbx_numbers=snapshot.pbx_numbers
    )
    decisions = answer.label_of(attributed)
    frame = pd.DataFrame(
        {
            "outcome": [[OUTCOME_LABELS[outcome]] for outcome in attributed["outcome"]],
            "started_at": attributed["started_at"].dt.tz_convert(session.zone()),
            "pbx": [snapshot.name_of(pbx_id) if pbx_id else "Unassigned" for pbx_id in attributed["pbx_id"]],
            "source_ip": attributed["source_ip"],
            "destination": attributed["destination"],
            "today": [titled(str(text)) for text in decisions["today"]],
            "then": [titled(str(text)) for text in decisions["then"]],
            "why": [titled(str(text)) for text in decisions["why"]],
            "cost": attributed["cost_usd"].astype("float64"),
        }
    )
    if not (decisions["why"] != "").any():
        frame = frame.drop(columns="why")
    labeled = attributed.assign(**{name: decisions[name].astype("str") for name in ("label", "today", "then", "why")})
    st.dataframe(
        tables.sanitized(frame),
        hide_index=True,
        height=tables.height(len(frame), most=10, px=380),
        column_config={
            "outcome": tables.chips(
                "Outcome", {OUTCOME_LABELS[o]: OUTCOME_KINDS[k][1] for o, k in KIND_OF_OUTCOME.items()}, width=170
            ),
            "started_at": tables.at("Started"),
            "pbx": tables.text("PBX", width=80),
            "source_ip": tables.text("Source address", width=110),
            "destination": tables.text("Number dialed", width=110),
            "today": tables.text("Admitted today by", width=165),
            "then": tables.text("After the change by", width=165),
            "why": tables.text("Why undecided", width=200),
            "cost": st.column_config.NumberColumn("Cost", format="$%.4f", width=65),
        },
        key="behind_calls",
    )
    of = f" of {caller}" if caller else ""
    all_of_them = counted(total, BY_NAME[label].noun, BY_NAME[label].plural)
    newest = f"The newest {len(frame):,} of {all_of_them}" if total > len(frame) else all_of_them
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(f"{newest}{of}. Times are those of {session.zone().key}."), width="content")
        if total > len(frame):
            st.button(
                f"Show {CALLS} more", key="behind_older", on_click=_show_more, args=(f"{label} {caller}", most + CALLS)
            )
        tables.download("what-if-calls", len(attributed), lambda: labeled, snapshot, key="behind_csv")


def _show_more(about: str, most: int) -> None:
    """Show more of the same calls; a different selection starts again with ``CALLS``."""
    st.session_state[MORE_KEY] = (about, most)
