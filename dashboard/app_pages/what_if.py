"""What if: the list and the switch edited freely, and at once what that would have done to past calls."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import behind, draft_editor, draft_words, replayed
from dashboard.capabilities import Capability
from dashboard.claims import lacking
from dashboard.fixes.image import proposed

RESTS_ON = ("calls", "allowed_ips", "credentials")

known = session.snapshot()
lower_bound = Capability.REFUSALS_IN_CDRS not in known.capabilities
drafted = draft_editor.current(known)

title, numbers = st.empty(), st.container()
left, right = st.columns([6, 5], gap="medium")
with left:
    st.subheader("Outbound Allowed IPs")
    draft_editor.edit_list(drafted, known)
with right:
    st.subheader("What changes")
    reading = draft_editor.edit_switch(drafted, known)
    draft_editor.ask(reading, known)
answer = session.replayer().against(proposed(known.policy, reading.changes))
title.title(
    draft_words.title(reading.changes, answer.impact, lower_bound=lower_bound, lacking=lacking(known, *RESTS_ON))
)
with numbers:
    replayed.show(answer.impact, lower_bound=lower_bound, lacking=lacking(known, "calls"))
if reading.changes:
    st.subheader("By PBX")
    behind.show(answer)
