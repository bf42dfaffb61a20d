"""Outcomes: how many calls are answered, how long they last, how many there are at once; by whom and where to."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import call_filters, outcome_rows, outcome_table, states
from dashboard.claims import lacking

known = session.snapshot()
title = st.empty()
begin, words = call_filters.span(known, session.zone())
since = outcome_rows.whole_hour(begin)
rows = session.kept("outcomes", since, lambda: outcome_table.rows("", since), ages=False)
title.title(outcome_table.title(rows, since, words))
if rows.empty:
    nothing = "No outbound call was read for this time. Choose a longer one."
    states.empty("Nothing to show yet." if lacking(known, "calls") else nothing, icon=":material/call:")
else:
    outcome_table.figures(rows, since, known.taken_at)
    st.subheader("Side by side")
    outcome_table.view(known, since)
