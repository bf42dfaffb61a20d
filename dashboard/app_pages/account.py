"""Account: which addresses may place calls, whose they are, and what else lets calls through."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import account_forms, answers, portal_list

known, found = session.known()

st.title(answers.of_account(session.claims()))
st.subheader("Outbound Allowed IPs")
account_forms.entries(session.claims())

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Outbound credentials")
    account_forms.credentials(known, found)
with right:
    st.subheader("Tech prefix")
    account_forms.prefix(known)

st.subheader("Compare with the portal")
portal_list.show(known)
