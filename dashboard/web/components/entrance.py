"""Entrance: asks once for the name of the person at the browser and rejects browsers without a session of the gate."""

from __future__ import annotations

import streamlit as st

from dashboard.domain.actors import NAME_LENGTH, name_of_person
from dashboard.web import session, sessions
from dashboard.web.components.formatting import plain

UNGATED = (
    "This page works only in a browser that opened a link of `trunkgate serve`: start the dashboard with that command."
)


def require_name() -> bool:
    """
    Draw the error for a browser without a session, or the form that asks for a name.

    Returns:
        Whether the dashboard may be drawn.
    """
    browser_session = session.browser()
    if browser_session is None:
        st.error(UNGATED, icon=session.ERROR_ICON)
        return False
    session.clear_other_session(browser_session)
    if browser_session.name:
        return True
    _draw_name_form(browser_session)
    return False


def _draw_name_form(browser_session: sessions.Session) -> None:
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
            browser_session.name = name
            st.rerun()
        elif pressed:
            st.error(
                "Enter the name that your colleagues know you by, with a letter or a digit.", icon=session.ERROR_ICON
            )


def draw_person() -> None:
    """Draw the person's name with their name in the journal and a button that signs out."""
    browser_session = session.browser()
    if browser_session is None or not browser_session.name:
        return
    with st.popover(plain(browser_session.name), icon=":material/person:", key="header_person"):
        st.caption(f"Your changes are recorded as: {plain(session.actor().name)}")
        if st.button("Sign out", icon=":material/logout:", key="header_sign_out"):
            sessions.current.end(browser_session)
