"""Warning about fixes without a recorded outcome: running, or interrupted and the account not readable since."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.core.text import counted
from dashboard.storage.journal import JournalEntry
from dashboard.web import session
from dashboard.web.components.formatting import ICONS, plain

EXPLAINED = (
    "It was interrupted, or still runs. Its outcome is recorded as soon as the account can be read; "
    "then it can be undone."
)


def show() -> None:
    """Draw a warning if there are such fixes."""
    found = session.workspace().journal.open_entries()
    if found:
        st.warning(sentence(found), icon=ICONS["warning"])
        st.page_link("web/pages/fixes.py", label="Show on Fixes", icon=":material/history:")


def sentence(found: Sequence[JournalEntry]) -> str:
    """Return a sentence with the number of such fixes and the first of them."""
    what = f"entry {found[0].id}, {plain(found[0].title)}"
    first = what if len(found) == 1 else f"the first is {what}"
    verb = "has" if len(found) == 1 else "have"
    return f"{counted(len(found), 'fix', 'fixes')} {verb} no recorded outcome: {first}. {EXPLAINED}"
