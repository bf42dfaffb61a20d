"""
Editor of the What if page: the draft's allow list and switch, and the buttons that turn the draft into a plan.

The session stores the draft. The input rows of the editor stay unchanged while the viewer types into it. When the
editor is reset (after a visit to another page or a change of an address in place), it starts with the edited rows.
"""

from __future__ import annotations

import streamlit as st

from dashboard.domain.snapshot import Snapshot
from dashboard.web import session
from dashboard.web.components import tables
from dashboard.web.components.formatting import ICONS
from dashboard.web.fixes import review
from dashboard.web.what_if import draft as what_if_draft
from dashboard.web.what_if import draft_text
from dashboard.web.what_if.draft import AS_NOW, OFF, ON, Draft, DraftReading

KEY = "what_if_draft"
SWITCH_KEY = "what_if_credentials"
PAST_KEY = "what_if_past"
SWITCH = {AS_NOW: "As now", ON: "On", OFF: "Off"}
HOW = "Write a new address below the last row. To take one off the list, tick its row and press Delete or the bin."
SAFE = "Past calls are judged at once. The account stays as it is until a plan is applied."
AS_IT_IS = "The account is as the draft had it. A new draft begins."
CARRIED = "The account has changed meanwhile. The draft is kept, on the account as it is now."


def current(snapshot: Snapshot) -> Draft:
    """Return the session's draft; if the account has changed, rebase the draft and show a message about it."""
    draft: Draft | None = st.session_state.get(KEY)
    if draft is None:
        draft = what_if_draft.new_draft(snapshot)
    elif what_if_draft.has_account_changed(draft, snapshot):
        had_changes = not draft.idle
        draft = what_if_draft.rebase(draft, snapshot)
        st.session_state[SWITCH_KEY] = draft.switch
        if had_changes:
            already_applied = what_if_draft.parse_draft(draft.base, draft.switch, snapshot).idle
            session.note(AS_IT_IS if already_applied else CARRIED, icon=ICONS["good" if already_applied else "info"])
    elif draft.key not in st.session_state and draft.edited is not draft.base:
        draft.reset(draft.edited, snapshot)
    st.session_state[KEY] = draft
    st.session_state.setdefault(SWITCH_KEY, draft.switch)
    return draft


def start_over() -> None:
    """Discard all changes of the draft."""
    draft: Draft = st.session_state[KEY]
    st.session_state[KEY] = what_if_draft.new_draft(session.snapshot(), draft.turn)
    st.session_state[SWITCH_KEY] = AS_NOW


def load_version() -> None:
    """Replace the draft with the list and the switch of the selected earlier version."""
    snapshot = session.snapshot()
    position = st.session_state.get(PAST_KEY)
    if position is not None and position < len(snapshot.versions):
        draft = what_if_draft.draft_of_version(st.session_state[KEY], snapshot.versions[position].policy, snapshot)
        st.session_state[KEY] = draft
        st.session_state[SWITCH_KEY] = draft.switch
    st.session_state[PAST_KEY] = None


def edit_list(draft: Draft, snapshot: Snapshot) -> None:
    """Draw the list and store the edits; the owner of an address that was changed in place is updated."""
    draft.edited = st.data_editor(
        tables.sanitized(draft.base),
        num_rows="dynamic",
        hide_index=True,
        height=tables.height(len(draft.base) + 1, most=12, px=440),
        column_config={
            "network": st.column_config.TextColumn("Address", width=115),
            "label": st.column_config.TextColumn("Label", width=130),
            "whose": st.column_config.TextColumn("PBX", width=115, disabled=True),
        },
        column_order=["network", "whose", "label"],
        placeholder="",
        key=draft.key,
    )
    if (pasted := what_if_draft.split_pasted(draft.edited)) is not None:
        draft.reset(pasted, snapshot)
        st.rerun()
    existing = draft.edited.loc[draft.edited.index.intersection(draft.base.index)]
    written = existing[(existing["network"].fillna("") != draft.base.loc[existing.index, "network"]).to_numpy()]
    if (what_if_draft.owners_text(written["network"].fillna(""), snapshot) != written["whose"]).any():
        draft.reset(draft.edited, snapshot)
        st.rerun()


def edit_switch(draft: Draft, snapshot: Snapshot) -> DraftReading:
    """Draw the switch; return the reading of the draft."""
    now = {True: "on", False: "off", None: "not known"}[snapshot.account.credentials_on]
    switch = st.segmented_control(
        "Outbound credentials",
        list(SWITCH),
        format_func=lambda choice: f"As now ({now})" if choice == AS_NOW else SWITCH[choice],
        required=True,
        key=SWITCH_KEY,
    )
    draft.switch = switch or AS_NOW
    reading = what_if_draft.parse_draft(draft.edited, draft.switch, snapshot)
    draft.idle = reading.idle
    return reading


def draw_actions(reading: DraftReading, snapshot: Snapshot) -> None:
    """Draw the changes and invalid rows of the draft, and the buttons that review it as a plan or discard it."""
    with st.container(gap="xxsmall"):
        for line in draft_text.lines(reading.changes, snapshot):
            st.markdown(line)
        for fault in reading.faults[: draft_text.SAID]:
            st.markdown(f":orange[{ICONS['warning']}] {fault}")
        if len(reading.faults) > draft_text.SAID:
            st.caption(f"{len(reading.faults):,} rows are wrong in all.")
        for note in reading.notes[: draft_text.SAID]:
            st.caption(note)
        if reading.idle:
            st.caption(f"{SAFE} {HOW}")
    obstacle = draft_text.reason(reading, session.workspace().settings.max_changes)
    with st.container(horizontal=True):
        st.button(
            "Review as a plan",
            type="primary",
            disabled=bool(obstacle),
            key="what_if_review",
            on_click=review.ask_changes,
            args=(reading.changes,),
        )
        st.button("Start over", icon=":material/undo:", disabled=reading.idle, key="what_if_over", on_click=start_over)
        if len(snapshot.versions) > 1:
            _pasts(snapshot)
    if obstacle and not reading.idle:
        st.caption(obstacle)


def _pasts(snapshot: Snapshot) -> None:
    """Draw the choice of an earlier list and switch."""
    with st.popover("Earlier list", icon=":material/history:"):
        st.selectbox(
            "Begin with the list and the switch as they were from",
            range(len(snapshot.versions) - 2, -1, -1),
            format_func=lambda position: draft_text.of_version(snapshot.versions[position], session.zone()),
            index=None,
            placeholder="Choose a time",
            key=PAST_KEY,
            on_change=load_version,
        )
