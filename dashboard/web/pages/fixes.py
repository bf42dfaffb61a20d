"""Fixes page: history of changes with actor, outcome and undo, and the plans that were shown."""

from __future__ import annotations

import streamlit as st

from dashboard.web import session
from dashboard.web.components import page_titles
from dashboard.web.fixes import timeline

entries = session.workspace().journal.entries()

st.title(page_titles.of_fixes(entries))
view = st.segmented_control(
    "Show",
    timeline.VIEWS,
    default=timeline.VIEWS[0],
    required=True,
    key="view",
    bind="query-params",
    label_visibility="collapsed",
)
if view == timeline.VIEWS[0]:
    timeline.history(entries, session.snapshot())
else:
    timeline.plans(session.workspace().state.plans(), entries, session.snapshot())
