"""Exports page: each table as CSV with a preview, and all tables in one zip with a manifest."""

from __future__ import annotations

import streamlit as st

from dashboard.web.exports import files

tables = files.tables()

st.title(files.title(tables))
files.draw_archive(tables)
st.subheader("One table")
files.draw_table(tables)
