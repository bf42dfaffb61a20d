"""Fixes: what was changed, by whom, how it ended, and what takes it back."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import answers, timeline

entries = session.workspace().journal.entries()

st.title(answers.of_fixes(entries))
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
