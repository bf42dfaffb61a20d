"""What if page: free editing of the allow list and the credentials, with the immediate effect on past calls."""

from __future__ import annotations

import streamlit as st

from dashboard.domain.capabilities import Capability
from dashboard.domain.claims import BY_CALLS, lacking
from dashboard.fixes import account_image
from dashboard.web import session
from dashboard.web.fixes import replay_summary
from dashboard.web.what_if import affected_calls, draft_text, editor

known = session.snapshot()
lower_bound = Capability.REFUSALS_IN_CDRS not in known.capabilities
drafted = editor.current(known)

title = st.empty()
numbers = st.container()
left, right = st.columns([6, 5], gap="medium")
with left:
    st.subheader("Outbound Allowed IPs")
    editor.edit_list(drafted, known)
with right:
    st.subheader("What changes")
    reading = editor.edit_switch(drafted, known)
    editor.draw_actions(reading, known)
answer = session.replayer().against(account_image.proposed(known.policy, reading.changes))
title.title(
    draft_text.title(reading.changes, answer.impact, lower_bound=lower_bound, lacking=lacking(known, *BY_CALLS))
)
with numbers:
    replay_summary.show(answer.impact, lower_bound=lower_bound, lacking=lacking(known, "calls"))
if reading.changes:
    st.subheader("By PBX")
    affected_calls.show(answer)
