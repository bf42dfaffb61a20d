"""Exports: every table as a CSV, seen before it is downloaded, and all of them sealed in one zip."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.app_parts import export_files

tables = export_files.tables(session.generation())
rows = sum(len(frame) for frame in tables.values())

st.title(f"{len(tables)} tables, {rows:,} rows, ready to download.")
export_files.whole(tables)
st.subheader("One table")
export_files.one(tables)
