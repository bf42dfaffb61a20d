"""Inventory page: PBXs, their source addresses and inbound targets, and the import."""

from __future__ import annotations

import streamlit as st

from dashboard.web import session
from dashboard.web.components import page_titles
from dashboard.web.inventory import file_import, forms

known = session.snapshot()

st.title(page_titles.of_inventory(known))
chosen = forms.table(known)
forms.bar(known)
if chosen:
    forms.edit(known, chosen)
st.subheader("Import")
file_import.show()
