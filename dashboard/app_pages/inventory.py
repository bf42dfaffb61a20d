"""Inventory: which PBXs there are, where they call from, and how they should be reached."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import answers, inventory_forms, inventory_import

known = session.snapshot()

st.title(answers.of_inventory(known))
chosen = inventory_forms.table(known)
inventory_forms.bar(known)
if chosen:
    inventory_forms.edit(known, chosen)
st.subheader("Import")
inventory_import.show(known)
