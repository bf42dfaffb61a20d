"""Findings page: findings with severity, evidence and a button that opens the review of the fix."""

from __future__ import annotations

import streamlit as st

from dashboard.web import session
from dashboard.web.findings import finding_list

known, found = session.snapshot_and_findings()
claims = session.claims()

st.title(claims.of_findings())
shown = finding_list.filtered(found, known)
if shown:
    chosen = finding_list.table(shown, known)
    finding_list.download(shown, known)
    finding_list.detail(chosen, known)
else:
    finding_list.draw_empty(claims)
