"""Exports: every table as a CSV, seen before it is downloaded, and all of them sealed in one zip."""

from __future__ import annotations

import streamlit as st

from dashboard.web.exports import files

tables = files.tables()

st.title(files.title(tables))
files.whole(tables)
st.subheader("One table")
files.one(tables)
