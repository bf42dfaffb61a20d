"""Account page: allowed addresses with their owners, outbound credentials, tech prefix, comparison with the portal."""

from __future__ import annotations

import streamlit as st

from dashboard.web import session
from dashboard.web.account import forms, portal_list
from dashboard.web.components import page_titles

known, found = session.snapshot_and_findings()

st.title(page_titles.of_account(session.claims()))
st.subheader("Outbound Allowed IPs")
forms.entries(session.claims())

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Outbound credentials")
    forms.credentials(known, found)
with right:
    st.subheader("Tech prefix")
    forms.prefix(known)

st.subheader("Compare with the portal")
portal_list.show(known)
