"""Running systems that the inventory can be read from: those that the settings name, asked when somebody presses."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.domain.snapshot import Snapshot
from dashboard.pbx.sources import Inventory, LintContext, frames_of, read_running
from dashboard.web import session
from dashboard.web.components.formatting import plain


def show(snapshot: Snapshot, number: int) -> Inventory | None:
    """
    Offer each running system, and return what the one that was asked said.

    Args:
        snapshot: The account and the inventory.
        number: Of the import: the next one forgets what was read for this one.
    """
    settings = session.workspace().settings
    kept = f"inventory_running_{number}"
    asked = _pressed(settings.running_sources, number)
    if asked:
        st.session_state.pop(kept, None)
        with session.errors_said(), st.spinner(f"Asking {plain(asked)}"):
            st.session_state[kept] = read_running(
                asked,
                secrets=settings.source_secrets,
                treated_as_public=snapshot.treated_as_public,
                current=frames_of(snapshot),
                trunk=LintContext.of(snapshot).trunk,
            )
    found: Inventory | None = st.session_state.get(kept)
    return found


def _pressed(sources: Sequence[str], number: int) -> str:
    """Draw a button for each, and return the address of the one that was pressed."""
    pressed = ""
    for place, source in enumerate(sources):
        if st.button(f"Read {plain(source)}", key=f"inventory_read_{number}_{place}"):
            pressed = source
    return pressed
