"""Router: one file per page, with the header above each page and the fix review dialog over it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.web import session
from dashboard.web.components import empty_states, entrance, header
from dashboard.web.fixes import review

LIVE = "Overview"
PAGES = Path(__file__).parent / "web" / "pages"
ICON = Path(__file__).parent / "web" / "icon.png"
"""A local file, because the browser would fetch a Material icon for the tab from the network."""

st.set_page_config(page_title="trunkgate", page_icon=str(ICON), layout="wide")
admitted = entrance.require_name()
page = st.navigation(
    {
        "Watch": [
            st.Page(PAGES / "overview.py", title=LIVE, icon=":material/monitoring:", default=True),
            st.Page(PAGES / "findings.py", title="Findings", icon=":material/rule:"),
            st.Page(PAGES / "fixes.py", title="Fixes", icon=":material/history:"),
            st.Page(PAGES / "calls.py", title="Calls", icon=":material/call:"),
            st.Page(PAGES / "outcomes.py", title="Outcomes", icon=":material/percent:"),
            st.Page(PAGES / "what_if.py", title="What if", icon=":material/science:"),
        ],
        "Set up": [
            st.Page(PAGES / "account.py", title="Account", icon=":material/shield_lock:"),
            st.Page(PAGES / "inventory.py", title="Inventory", icon=":material/dns:"),
            st.Page(PAGES / "set_up_pbx.py", title="Set up PBXs", icon=":material/checklist:"),
        ],
        "Report": [st.Page(PAGES / "exports.py", title="Exports", icon=":material/download:")],
    },
    expanded=True,
    position="sidebar" if admitted else "hidden",
)
if not admitted:
    st.stop()
with session.show_errors():
    header.show(live=page.title == LIVE)
    if session.loaded():
        header.stale(live=page.title == LIVE)
        page.run()
        review.show()
        session.freeze_gc()
        session.tidy()
    else:
        empty_states.first_run()
session.show_other_kept_error()
session.show_note()
