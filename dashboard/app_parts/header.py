"""What stands above every page: whose account, how fresh, sync now."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard import session
from dashboard.app_parts.words import AGE_COLORS, ICONS, INPUT_WORDS, Color, ago, exact, join, plain
from dashboard.snapshot import Age, Freshness, Snapshot

AGAIN_S = 20


@st.fragment(run_every=AGAIN_S)
def show() -> None:
    """Draw the header; it renews itself, so that its age is true without a click."""
    with session.errors_said():
        opened = session.home()
        fetched = opened.workspace.state.get("calls_until")
        at = datetime.fromisoformat(fetched) if fetched else None
        age = Freshness(at, opened.workspace.settings.calls_stale_s).age(datetime.now(UTC))
        account = (opened.workspace.state.latest("account") or {}).get("content", {})
        with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
            prefix = account.get("tech_prefix")
            st.markdown(f"{opened.workspace.carrier.name} account `{prefix}`" if prefix else "Account", width="content")
            if account.get("sample"):
                st.badge("SAMPLE", color="gray", help="The embedded account: nothing here reaches a carrier.")
            said = f"Synced {ago(at)}" if at else "Never synced"
            when = exact(at, session.zone()) or None
            st.badge(said, icon=ICONS["time"], color=_color(age), help=when)
            pressed = st.button("Sync now", icon=":material/sync:", key="header_sync")
        if pressed:
            _sync()
        if opened.loop and opened.loop.last_error:
            st.warning(f"{plain(opened.loop.last_error)} What is shown is as of the last sync.", icon=ICONS["warning"])


def stale(snapshot: Snapshot) -> None:
    """Name every input that is too old to be judged by."""
    old = [
        f"{INPUT_WORDS[name]} ({ago(freshness.as_of, snapshot.taken_at)})"
        for name, freshness in snapshot.freshness.items()
        if freshness.age(snapshot.taken_at) is Age.STALE
    ]
    if old:
        st.warning(f"Out of date: {join(old, most=5)}. Checks that need this say so.", icon=ICONS["warning"])


def _color(age: Age) -> Color:
    return AGE_COLORS[age] if age is not Age.FRESH else "gray"


def _sync() -> None:
    bar = st.progress(0.0, text="Reading the account")

    def tell(what: str, share: float) -> None:
        bar.progress(min(max(share, 0.0), 1.0), text=what)

    done = False
    with session.errors_said():
        report = session.sync(tell)
        session.note(f"{report.calls:,} calls read.")
        done = True
    bar.empty()
    if done:
        st.rerun()
