"""Header of every page: account, data age, sync button, and warnings about missing or stale inputs."""

from __future__ import annotations

import streamlit as st

from dashboard.core import clocks
from dashboard.core.elapsed import ago
from dashboard.core.text import counted, join
from dashboard.domain.claims import lacking
from dashboard.domain.snapshot import Age, Freshness
from dashboard.services import calls_until
from dashboard.web import session
from dashboard.web.components import entrance, files_mode
from dashboard.web.components.formatting import AGE_COLORS, ICONS, INPUT_WORDS, Color, exact, mono, plain
from dashboard.web.fixes import review

AGAIN_S = 15
DRAWN = "header_drawn"


@st.fragment(run_every=AGAIN_S)
def show(*, live: bool) -> None:
    """
    Draw the header; the fragment reruns every ``AGAIN_S`` seconds, so its age is correct without a click.

    Args:
        live: Rerun the whole page when new data is available, unless a fix is being reviewed.
    """
    with session.show_errors():
        opened = session.workspace()
        settings = opened.settings
        at = calls_until(opened.state, opened.store, settings)
        stale_s = settings.files_stale_s if settings.files else settings.calls_stale_s
        age = Freshness(at, stale_s).age(clocks.now())
        account = (opened.state.latest("account") or {}).get("content", {})
        with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
            prefix = account.get("tech_prefix")
            st.markdown(f"{opened.carrier.name} account {mono(prefix)}" if prefix else "Account", width="content")
            if account.get("sample"):
                st.badge("SAMPLE", color="gray", help="The embedded account: nothing here reaches a carrier.")
            label = f"Synced {ago(at)}" if at else "Never synced"
            if settings.files:
                st.badge("FILES", color="gray", help="Imported files are judged; nothing is fetched from the carrier.")
                label = files_mode.badge(at)
            exact_time = exact(at, session.zone()) or None
            st.badge(label, icon=ICONS["time"], color=_color(age), help=exact_time)
            pressed = not settings.files and st.button("Sync now", icon=":material/sync:", key="header_sync")
            entrance.draw_person()
        if pressed:
            _sync()
        if settings.files and (steps := files_mode.next_steps(opened)):
            st.info(steps, icon=ICONS["unknown"])
        if (error := session.sync_error()) and session.loaded():
            tail = "What is shown is what was read last." if at else "Nothing was fetched yet."
            st.warning(f"{plain(error)} {tail}", icon=ICONS["warning"])
        _renew(live=live)


def _renew(*, live: bool) -> None:
    """Rerun the whole page if it is live, new data is available since it was drawn, and no fix is being reviewed."""
    now = (*session.home().keeper.moment()[:-1], lacking(session.snapshot()) if live and session.loaded() else "")
    drawn_version = st.session_state.get(DRAWN, now)
    st.session_state[DRAWN] = now
    if live and drawn_version != now and review.KEY not in st.session_state:
        st.rerun()


def stale(*, live: bool) -> None:
    """Record the state version that this page shows, and warn about inputs that are missing or stale; see ``show``."""
    view = session.now()
    st.session_state[DRAWN] = (*view.moment[:-1], lacking(view.snapshot) if live else "")
    _ages()


@st.fragment(run_every=AGAIN_S)
def _ages() -> None:
    """Warn about inputs that are out of date or were never read; the fragment reruns to keep the ages current."""
    with session.show_errors():
        now = clocks.now()
        freshness = session.freshness()
        ages = {name: fresh.age(now) for name, fresh in freshness.items()}
        old = [f"{INPUT_WORDS[name]} ({ago(freshness[name].as_of, now)})" for name in ages if ages[name] is Age.STALE]
        never_read = [name for name in ages if ages[name] is Age.MISSING]
        if session.workspace().settings.files:
            missing = files_mode.NEVER if "routes" in never_read else ""
        else:
            missing = f"Never read: {join((INPUT_WORDS[name] for name in never_read), most=5)}." if never_read else ""
        sentences = [
            f"Out of date: {join(old, most=5)}. Checks that need this show their last known results." if old else "",
            missing,
        ]
        if any(sentences):
            st.warning(" ".join(filter(None, sentences)), icon=ICONS["warning"])


def _color(age: Age) -> Color:
    return AGE_COLORS[age] if age is not Age.FRESH else "gray"


def _sync() -> None:
    bar = st.progress(0.0, text="Reading the account")

    def show_progress(activity: str, share: float) -> None:
        bar.progress(min(max(share, 0.0), 1.0), text=plain(activity))

    finished = False
    with session.show_errors():
        report = session.sync(show_progress)
        session.note(" ".join([f"{counted(report.calls, 'call')} read.", *report.unreadable]))
        finished = True
    bar.empty()
    if finished:
        st.rerun()
