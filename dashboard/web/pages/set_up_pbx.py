"""Set up PBXs page: a matrix of all PBXs, or the carrier's steps for one PBX, each with its evidence."""

from __future__ import annotations

import streamlit as st

from dashboard.domain.admitted_calls import silence_of
from dashboard.services.onboarding import steps as onboarding_steps
from dashboard.web import session
from dashboard.web.components.formatting import plain
from dashboard.web.onboarding import overview, pbx_steps

known = overview.ground(*session.snapshot_and_findings())

title = st.empty()
bar = st.container(horizontal=True, vertical_alignment="bottom")
pbx_id = overview.choose(known.snapshot, bar)
if pbx_id:
    steps = onboarding_steps.steps(known, pbx_id)
    silence = silence_of(known.snapshot, pbx_id, plain)
    title.title(onboarding_steps.answer(steps, plain(known.snapshot.name_of(pbx_id)), silence))
    pbx_steps.show(steps, known, pbx_id)
else:
    overview.show(known, title, bar)
