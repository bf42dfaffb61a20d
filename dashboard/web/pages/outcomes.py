"""Outcomes page: answer rate, duration and concurrency of calls, by caller, destination and other dimensions."""

from __future__ import annotations

import streamlit as st

from dashboard.domain.claims import lacking
from dashboard.web import session
from dashboard.web.calls import filters
from dashboard.web.components import empty_states
from dashboard.web.outcomes import rows as outcome_rows
from dashboard.web.outcomes import table

known = session.snapshot()
title = st.empty()
begin, words = filters.span(known, session.zone())
since = outcome_rows.whole_hour(begin)
rows = session.cached("outcomes", since, lambda: table.rows("", since), ages=False)
title.title(table.title(rows, since, words))
if rows.empty:
    nothing = "No outbound call was read for this time. Choose a longer one."
    empty_states.empty("Nothing to show yet." if lacking(known, "calls") else nothing, icon=":material/call:")
else:
    table.figures(rows, since, known.taken_at)
    st.subheader("Side by side")
    table.view(known, since)
