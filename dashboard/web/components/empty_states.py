"""Empty states of pages: first run, empty table."""

from __future__ import annotations

import streamlit as st

from dashboard.web import session
from dashboard.web.components.formatting import ICONS, plain

POLL_S = 1.5


def first_run() -> None:
    """Show that the first read of the account is in progress or failed; rerun the page once data is available."""
    failed = bool(session.sync_error())
    if failed:
        st.title("The account could not be read yet.")
    else:
        st.title("The account is being read for the first time.")
        st.caption("The allowed addresses, the inbound routes and the calls of the last weeks, in about a minute.")
    _wait(failed=failed)


@st.fragment(run_every=POLL_S)
def _wait(*, failed: bool) -> None:
    with session.show_errors():
        error = session.sync_error()
        if session.loaded() or bool(error) is not failed:
            st.rerun()
        if error:
            st.error(f"{plain(error)} Retrying automatically.", icon=ICONS["error"])
    if st.button("Show what is known so far", key="first_run_look"):
        st.session_state[session.LOOK] = True
        st.rerun()
    if not failed:
        st.skeleton(height=120)
        st.skeleton(height=240)


def empty(sentence: str, *, icon: str = ICONS["good"]) -> None:
    """Draw a box with a sentence that states why there is nothing to show."""
    with st.container(border=True):
        st.markdown(f":gray[{icon} {sentence}]")
