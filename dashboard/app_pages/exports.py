"""Exports: every table as a CSV, seen before it is downloaded, and all of them sealed in one zip."""

from __future__ import annotations

import streamlit as st

from dashboard.app_parts import export_files

tables = export_files.tables()

st.title(export_files.title(tables))
export_files.whole(tables)
st.subheader("One table")
export_files.one(tables)
