"""Overview: are calls being refused, is somebody spending our money, what to do first."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import answers, cards, open_fixes

claims, zone = session.claims(), session.zone()

st.title(session.kept("title", claims.fault, lambda: answers.overview(claims)))
open_fixes.show()
cards.figures(claims)

st.subheader("Fix first")
cards.do_first(claims)

st.subheader("Refused for authorization, share of outbound calls by day")
cards.panels(claims.snapshot, zone)

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Findings by severity")
    cards.severities(claims.findings)
with right:
    st.subheader("Data freshness")
    cards.freshness()
