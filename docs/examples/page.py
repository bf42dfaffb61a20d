"""
Addresses: which addresses PBXs call from now.

Example of a page. A real one is ``dashboard/web/pages/<name>.py`` with one line in ``dashboard/app.py``. Contract: a
script that only lays out components: no function, no class, at most 120 lines. Title lines come from
``dashboard.web.components.page_titles``, data from ``dashboard.web.session``. Test:
``tests/web/pages/test_<name>.py``.
"""

from __future__ import annotations

import streamlit as st

from dashboard.web import session
from dashboard.web.components import page_titles, tables

snapshot = session.snapshot()
addresses = tables.sanitized(snapshot.addresses_now)

st.title(page_titles.of_inventory(snapshot))
st.dataframe(
    addresses,
    column_order=("pbx_id", "address", "kind", "source", "valid_from"),
    column_config={
        "pbx_id": tables.text("PBX"),
        "address": tables.text("Address"),
        "kind": tables.text("Kind"),
        "source": tables.text("Source"),
        "valid_from": tables.at("In use since"),
    },
    hide_index=True,
)
tables.download("addresses", len(addresses), lambda: addresses, snapshot, key="addresses_download")
