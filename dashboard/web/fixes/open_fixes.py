"""Warning about fixes without a recorded outcome: running, or interrupted and the account not readable since."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.core.text import counted
from dashboard.storage import JournalEntry
from dashboard.web import session
from dashboard.web.components.formatting import ICONS, plain

EXPLAINED = (
    "It was interrupted, or still runs. Its outcome is recorded as soon as the account can be read; "
    "then it can be undone."
)


def show() -> None:
    """Draw a warning if there are such fixes."""
    entries = session.workspace().journal.open_entries()
    if entries:
        st.warning(sentence(entries), icon=ICONS["warning"])
        st.page_link("web/pages/fixes.py", label="Show on Fixes", icon=":material/history:")


def sentence(entries: Sequence[JournalEntry]) -> str:
    """Return a sentence with the number of such fixes and the first of them."""
    first_entry = f"entry {entries[0].id}, {plain(entries[0].title)}"
    first = first_entry if len(entries) == 1 else f"the first is {first_entry}"
    verb = "has" if len(entries) == 1 else "have"
    return f"{counted(len(entries), 'fix', 'fixes')} {verb} no recorded outcome: {first}. {EXPLAINED}"
