"""Overview page: rejected calls, costs of unassigned addresses, and the fixes to make first."""

from __future__ import annotations

import streamlit as st

from dashboard.web import session
from dashboard.web.components import page_titles
from dashboard.web.fixes import open_fixes
from dashboard.web.overview import cards

claims = session.claims()
zone = session.zone()

st.title(session.cached("title", claims.fault, lambda: page_titles.overview(claims)))
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
