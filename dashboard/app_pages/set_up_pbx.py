"""Set up PBXs: all of them at once as a matrix, or the carrier's steps for one, each with its evidence."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import set_up_forms, set_up_overview, set_up_steps
from dashboard.app_parts.words import plain

known = set_up_overview.ground(*session.known())

title, bar = st.empty(), st.container(horizontal=True, vertical_alignment="bottom")
pbx_id = set_up_overview.choose(known.snapshot, bar)
if pbx_id:
    steps = set_up_steps.steps(known, pbx_id)
    title.title(set_up_steps.answer(steps, plain(known.snapshot.name_of(pbx_id))))
    set_up_forms.show(steps, known, pbx_id)
else:
    set_up_overview.show(known, title, bar)
