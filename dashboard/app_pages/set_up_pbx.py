"""Set up a PBX: the carrier's steps for one PBX, each with its evidence, the next one open."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import set_up_forms, set_up_steps, states
from dashboard.app_parts.words import plain

known, found = session.known()

if known.pbxs.empty:
    st.title("Add a PBX to the inventory first.")
    states.empty("The inventory is empty.", icon=":material/dns:")
    st.page_link("app_pages/inventory.py", label="Open the inventory", icon=":material/dns:")
else:
    title = st.empty()
    pbx_id = set_up_forms.choose(known)
    steps = set_up_steps.steps(known, found, pbx_id)
    title.title(set_up_steps.answer(steps, plain(known.name_of(pbx_id))))
    set_up_forms.show(steps, known, found, pbx_id)
