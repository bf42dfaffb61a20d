"""Exports: every table as a CSV, seen before it is downloaded, and all of them sealed in one zip."""

from __future__ import annotations

import streamlit as st

from dashboard.app_parts import export_files

tables = export_files.tables()

st.title(f"{len(tables)} tables, {tables['calls'].rows or 0:,} calls among them, ready to download.")
export_files.whole(tables)
st.subheader("One table")
export_files.one(tables)
