"""Fixes without a recorded outcome: interrupted ones whose part of the account could not be read yet."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import session
from dashboard.app_parts.words import ICONS, count, plain
from dashboard.journal import Entry

EXPLAINED = (
    "It was interrupted, or still runs. Its outcome is recorded as soon as the account can be read; "
    "then it can be undone."
)


def show() -> None:
    """Draw a warning where there are any; nothing otherwise."""
    found = session.workspace().journal.open_entries()
    if found:
        st.warning(sentence(found), icon=ICONS["warning"])
        st.page_link("app_pages/fixes.py", label="Show on Fixes", icon=":material/history:")


def sentence(found: Sequence[Entry]) -> str:
    """Say how many there are, and which comes first."""
    what = f"entry {found[0].id}, {plain(found[0].title)}"
    first = what if len(found) == 1 else f"the first is {what}"
    verb = "has" if len(found) == 1 else "have"
    return f"{count(len(found), 'fix', 'fixes')} {verb} no recorded outcome: {first}. {EXPLAINED}"
