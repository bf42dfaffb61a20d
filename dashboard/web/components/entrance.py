"""Entrance: asks once for the name of the person at the browser and rejects browsers without a session of the gate."""

from __future__ import annotations

import streamlit as st

from dashboard.domain.actors import NAME_LENGTH, name_of_person
from dashboard.web import session, sessions
from dashboard.web.components.formatting import plain

UNGATED = (
    "This page works only in a browser that opened a link of `trunkgate serve`: start the dashboard with that command."
)


def open_to_all() -> bool:
    """
    Draw the error for a browser without a session, or the form that asks for a name.

    Returns:
        Whether the dashboard may be drawn.
    """
    found = session.browser()
    if found is None:
        st.error(UNGATED, icon=session.ERROR_ICON)
        return False
    session.same_browser(found)
    if found.name:
        return True
    _ask(found)
    return False


def _ask(found: sessions.Session) -> None:
    with st.container(horizontal_alignment="center"), st.container(width=440):
        st.title("Who is using this browser?")
        with st.form("entrance_name", border=False):
            typed = st.text_input(
                "Your name",
                max_chars=NAME_LENGTH,
                help="The journal records every change with this name, marked as unverified.",
                key="entrance_typed",
            )
            pressed = st.form_submit_button("Continue", type="primary")
        if pressed and (name := name_of_person(typed)):
            found.name = name
            st.rerun()
        elif pressed:
            st.error(
                "Enter the name that your colleagues know you by, with a letter or a digit.", icon=session.ERROR_ICON
            )


def person() -> None:
    """Draw the person's name with their name in the journal and a button that signs out."""
    found = session.browser()
    if found is None or not found.name:
        return
    with st.popover(plain(found.name), icon=":material/person:", key="header_person"):
        st.caption(f"Your changes are recorded as: {plain(session.who().name)}")
        if st.button("Sign out", icon=":material/logout:", key="header_sign_out"):
            sessions.current.end(found)
