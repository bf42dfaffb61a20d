"""Import of the inventory from running systems named in the settings, read when their button is pressed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.domain.snapshot import Snapshot
from dashboard.pbx import Inventory, LintContext, inventory_frames, read_running
from dashboard.web import session
from dashboard.web.components.formatting import plain


def show(snapshot: Snapshot, number: int) -> Inventory | None:
    """
    Draw a button per running system, and return the inventory read from the one that was pressed.

    Args:
        snapshot: Snapshot of the account and the inventory.
        number: Number of the import; a new import does not show what was read for an earlier one.
    """
    settings = session.workspace().settings
    state_key = f"inventory_running_{number}"
    source = _pressed(settings.running_sources, number)
    if source:
        st.session_state.pop(state_key, None)
        with session.show_errors(), st.spinner(f"Asking {plain(source)}"):
            st.session_state[state_key] = read_running(
                source,
                secrets=settings.source_secrets,
                treated_as_public=snapshot.treated_as_public,
                current=inventory_frames(snapshot),
                trunk=LintContext.of(snapshot).trunk,
            )
    inventory: Inventory | None = st.session_state.get(state_key)
    return inventory


def _pressed(sources: Sequence[str], number: int) -> str:
    """Draw one button per source; return the address of the one that was pressed, empty for none."""
    pressed = ""
    for position, source in enumerate(sources):
        if st.button(f"Read {plain(source)}", key=f"inventory_read_{number}_{position}"):
            pressed = source
    return pressed
