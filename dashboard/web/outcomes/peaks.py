"""Call peaks of the Outcomes page: immediately by day; otherwise counted from single calls on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from dashboard.calls.analytics import CallOwners, PeakColumn, Peaks, call_owners, count_peaks
from dashboard.core import clocks
from dashboard.domain.snapshot import Snapshot
from dashboard.web import session
from dashboard.web.components.formatting import exact
from dashboard.web.outcomes import rows

COUNTED = "outcome_peaks"
SHORT: Final = {"peak_1s": ("Peak/s", 50), "peak_60s": ("Peak/min", 60), "concurrent": ("At once", 53)}
"""Peak to its short column header and column width in pixels."""


@dataclass(frozen=True)
class Counted:
    """Peaks that a button counted, kept in the session until the next press; used only for the same ``since``."""

    since: datetime
    peaks: Peaks
    at: datetime


def columns() -> dict[str, Any]:
    """Configure the peak columns."""
    return {
        name: st.column_config.NumberColumn(heading, format="localized", width=px, help=rows.metric_help(name))
        for name, (heading, px) in SHORT.items()
    }


def peaks_of(by: str, since: datetime) -> pd.DataFrame | None:
    """Return ``of`` and the peaks of outbound calls by one of ``BY``; ``None`` if they have not been counted yet."""
    if by == "day":
        store = session.workspace().store
        zone = session.zone()
        return session.cached(
            "peaks by day", since, lambda: rows.peaks_by_day(store.load(since=since), zone), ages=False
        )
    count = _stored_count(by, since)
    return None if count is None else rows.outbound_peaks(count.peaks)


def peaks_note(by: str, since: datetime) -> str:
    """Return when the peaks were counted and which days they exclude; empty if they were not counted."""
    count = _stored_count(by, since)
    if count is None:
        return ""
    return rows.peaks_text(count.peaks, exact(count.at, session.zone(), "%H:%M %Z"))


def button(by: str, snapshot: Snapshot, since: datetime) -> None:
    """Draw the button that counts the peaks and reruns the page with them."""
    pressed = st.button(
        "Count peaks",
        icon=":material/monitoring:",
        key=f"count_peaks_{by}",
        help="Reads the single calls of this time: most calls in a second, in a minute, and at once, of each row.",
    )
    if not pressed:
        return
    result = None
    with session.show_errors(), st.spinner("Counting the peaks"):
        result = session.cached(f"peaks {by}", since, lambda: _count(by, snapshot, since), ages=False)
    if result is not None:
        st.session_state[f"{COUNTED}_{by}"] = Counted(since, result, clocks.now())
        st.rerun()


def _count(by: str, snapshot: Snapshot, since: datetime) -> Peaks:
    groupings: dict[str, Callable[[], PeakColumn | CallOwners]] = {
        "source": lambda: "source_ip",
        "destination": lambda: "destination_name",
        "pbx": lambda: call_owners(snapshot),
        "pop": lambda: call_owners(snapshot, rows.pop_of(snapshot)),
    }
    return count_peaks(session.workspace().store, groupings[by](), since=since)


def _stored_count(by: str, since: datetime) -> Counted | None:
    stored = st.session_state.get(f"{COUNTED}_{by}")
    return stored if isinstance(stored, Counted) and stored.since == since else None
