"""Overview: are calls being refused, is somebody spending our money, what to do first."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import answers, cards, open_fixes

(known, found), zone = session.known(), session.zone()

st.title(session.kept("title", "", lambda: answers.overview(known, found)))
open_fixes.show()
cards.figures(known, found)

st.subheader("Do first")
cards.do_first(known, found)

st.subheader("Refused for authorization, share of outbound calls by day")
cards.panels(known, zone)

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Findings by severity")
    cards.severities(found)
with right:
    st.subheader("How fresh this is")
    cards.freshness(known, zone)
