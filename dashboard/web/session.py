"""
State shared by the pages: the open home, the account view, and the browser's session.

A server has one workspace, not one per session. Derived values are cached by state version
(``services.snapshot_cache``), never by data frame, because Streamlit hashes only a sample of a large frame.
"""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import local
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.calls import Cube, Replayer, build_cube
from dashboard.calls.analytics import midnights
from dashboard.core.errors import DashboardError, FixError
from dashboard.core.progress import Progress
from dashboard.core.settings import PREFIXES, SYNCED_BY, Settings
from dashboard.domain.actors import Actor, browser_actor
from dashboard.domain.changes import Change, ReplayImpact
from dashboard.domain.claims import Claims
from dashboard.domain.findings import Finding
from dashboard.domain.snapshot import Freshness, Snapshot
from dashboard.fixes import account_image
from dashboard.services import (
    AGE_EVERY_S,
    SYNC_ERROR_KEY,
    AccountView,
    SnapshotCache,
    StateVersion,
    SyncLoop,
    SyncReport,
    Workspace,
    freshness_of,
)
from dashboard.web import sessions
from dashboard.web.components.formatting import plain

Made = TypeVar("Made")
NOTE = "session_note"
CALLBACK_ERROR = "session_callback_error"
LOOK = "session_look"
BROWSER = "session_browser"
TIDY_EVERY_S = 60
"""Interval of garbage collection in seconds."""

ERROR_ICON = ":material/error:"


@dataclass(frozen=True)
class Home:
    """The open workspace, its snapshot cache, and the sync loop; ``None`` if another process syncs."""

    workspace: Workspace
    keeper: SnapshotCache
    loop: SyncLoop | None

    def close(self) -> None:
        """Stop the sync loop and the snapshot cache, and close the workspace."""
        if self.loop:
            self.loop.stop()
        self.keeper.stop()
        self.workspace.close()


@st.cache_resource(show_spinner="Opening the account", on_release=Home.close)
def _open(home: str, account: str) -> Home:  # noqa: ARG001 - the cache's key
    settings = Settings.read()
    workspace = Workspace.open(settings, traffic=settings.live_calls_per_s)
    keeper = SnapshotCache(workspace)
    loop = None if os.environ.get(SYNCED_BY) else SyncLoop(workspace)
    if loop:
        loop.start()
    keeper.start()
    return Home(workspace, keeper, loop)


@st.cache_resource(show_spinner=False)
def freeze_gc() -> None:
    """
    Exclude all objects loaded so far from garbage collection, once per server.

    If Streamlit collects garbage after every page run, collecting them would take most of the time of a click.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)


@st.cache_resource(ttl=TIDY_EVERY_S, show_spinner=False)
def tidy() -> None:
    """Collect garbage at most every ``TIDY_EVERY_S`` for all sessions, instead of after every click."""
    gc.collect()


def home() -> Home:
    """Return the open home for this server's settings."""
    run = _run()
    if run is None:
        return _opened()
    if _looked.run is not run:
        _looked.home = _opened()
        _looked.found = None
        _looked.run = run
    return _looked.home


def _opened() -> Home:
    variables = frozenset(item for item in os.environ.items() if item[0].upper().startswith(PREFIXES))
    settings = _settings(variables)
    return _open(str(settings.home), f"{settings.mode} {settings.base_url}")


@lru_cache(maxsize=4)
def _settings(variables: frozenset[tuple[str, str]]) -> Settings:  # noqa: ARG001 - the cache's key
    return Settings.read()


def workspace() -> Workspace:
    """Return the open workspace for this server's settings."""
    return home().workspace


def now() -> AccountView:
    """
    Return the account view, which stays the same for the whole page run.

    Account changes, fixes and confirmations by an operator appear immediately: those written by this page run within
    it, those written by others in the next run. New calls appear some seconds after they arrive.
    """
    opened = home()
    if _run() is None:
        return opened.keeper.now()
    state = opened.workspace.state
    if _looked.found is None or _looked.writes != state.writes:
        _looked.found = opened.keeper.now(lambda: st.spinner("Checking the account"))
        _looked.writes = state.writes  # building the view also writes, which must not trigger a rebuild
    return _looked.found


def _run() -> object:
    """Return an object that identifies the current page run; ``None`` outside a page run."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.cursors if context else None


class _Looked(local):
    """Per-thread cache of the home and the account view of the current page run."""

    run: object = None
    home: Home
    found: AccountView | None = None
    writes = -1


_looked = _Looked()


def snapshot_and_findings() -> tuple[Snapshot, list[Finding]]:
    """Return the current snapshot and the findings of exactly that snapshot. Do not modify either."""
    view = now()
    return view.snapshot, view.findings


def snapshot() -> Snapshot:
    """Return the current snapshot. Sessions share it: do not modify it."""
    return now().snapshot


def findings() -> list[Finding]:
    """Return the current findings of all checks, worst first. Sessions share the list: do not modify it."""
    return now().findings


def freshness() -> dict[str, Freshness]:
    """Return when each input was last read or confirmed, as of now and not as of the last page run."""
    opened = workspace()
    return freshness_of(opened.state, opened.store, opened.settings)


def claims() -> Claims:
    """Return the claims that the current snapshot and findings support."""
    snapshot, current_findings = snapshot_and_findings()
    return Claims(snapshot, current_findings, sync_error(), named=bool(workspace().settings.files), write=plain)


def cube() -> Cube:
    """
    Return the snapshot's outbound calls summed by hour, with exact days in the viewer's time zone.

    Sessions share the cube: do not modify it.
    """
    view = now()
    viewer_zone = zone()
    if not midnights(viewer_zone, view.snapshot.window_start or view.snapshot.taken_at, view.snapshot.taken_at):
        return view.cube
    return cached("cube", "", lambda: build_cube(workspace().store, view.snapshot, zone=viewer_zone), ages=False)


def replayer() -> Replayer:
    """Return the replayer of the current snapshot. Sessions share it."""
    return now().replayer


def cached(name: str, inputs: object, build: Callable[[], Made], *, ages: bool = True) -> Made:
    """
    Return a value derived from the account view, from the cache or newly built.

    Sessions share the value: do not modify it. Use this for small values: the cache keeps one in memory for
    ``AGE_EVERY_S`` for each state version that was viewed.

    Args:
        name: Name of the value.
        inputs: All that the value depends on besides the account view and the viewer's time zone; its ``repr`` is part
            of the cache key.
        build: Builds the value.
        ages: The value changes with time alone and must agree with the other values of the same state version. False
            for a value built from calls: it stays cached while no calls arrive, for at most ``AGE_EVERY_S``.
    """
    moment = now().moment
    value: Made = _cached(
        moment if ages else moment._replace(syncs="", period=""), name, repr(inputs), zone().key, build
    )
    return value


@st.cache_resource(max_entries=500, ttl=AGE_EVERY_S, show_spinner=False)
def _cached(
    moment: StateVersion,  # noqa: ARG001 - the cache's key
    name: str,  # noqa: ARG001 - as above
    inputs: str,  # noqa: ARG001 - as above
    zone: str,  # noqa: ARG001 - as above
    _build: Callable[[], Any],
) -> Any:
    return _build()


def impacts() -> Callable[[Finding], ReplayImpact | None]:
    """
    Return a function that replays a finding's fix against past calls.

    The function returns ``None`` for a fix that does not change which calls are admitted.
    """
    view = now()

    def impact(finding: Finding) -> ReplayImpact | None:
        if not any(isinstance(change, account_image.POLICY_KINDS) for change in finding.proposals):
            return None
        return _impact(view.moment, finding.id, finding.proposals, view)

    return impact


@st.cache_resource(max_entries=200, show_spinner=False)
def _impact(
    moment: StateVersion,  # noqa: ARG001 - the cache's key
    finding_id: str,  # noqa: ARG001 - as above
    _changes: tuple[Change, ...],
    _view: AccountView,
) -> ReplayImpact:
    return _view.replayer.against(account_image.proposed(_view.snapshot.policy, _changes)).impact


def sync(progress: Progress | None = None) -> SyncReport:
    """Read the account and fetch calls now; the next page run shows the result, because the cache follows the sync."""
    report = workspace().sync(progress=progress)
    workspace().state.put(SYNC_ERROR_KEY, "")
    return report


def loaded() -> bool:
    """
    Return whether there is data to show.

    This is the case in mode ``files``, after the first sync, if the first sync failed and some input was read or
    entered (an allow list or an inventory, for example), and if the viewer asked to see what is known so far.
    """
    opened = workspace()
    if opened.settings.files or opened.state.get("calls_until") is not None or st.session_state.get(LOOK):
        return True
    return bool(sync_error()) and any(input_freshness.as_of is not None for input_freshness in freshness().values())


def sync_error() -> str:
    """Return the error of the last sync, in whichever process it ran; empty if it succeeded."""
    return str(workspace().state.get(SYNC_ERROR_KEY, ""))


def browser() -> sessions.Session | None:
    """Return the session that the gate gave this browser; ``None`` without a gate or after the session has ended."""
    headers = st.context.headers
    if not len(headers):  # a run without a browser request, as in tests of pages
        return sessions.standing_in()
    return sessions.current.by_id(headers.get(sessions.HEADER) or "")


def clear_other_session(browser_session: sessions.Session) -> None:
    """Clear the state of a tab, including drafts and open reviews, if the tab returns with a different session."""
    before = st.session_state.get(BROWSER)
    if before is not None and before != browser_session.id:
        st.session_state.clear()
    st.session_state[BROWSER] = browser_session.id


def actor() -> Actor:
    """
    Return the actor at the browser.

    The function looks up the session again, because it may have ended since the page was drawn.

    Raises:
        FixError: The session has ended or has no name.
    """
    browser_session = browser()
    if browser_session is None or not browser_session.name:
        raise FixError("The session of this browser has ended, so nothing was done. Run trunkgate link for another.")
    return browser_actor(
        browser_session.name,
        browser_session.made_by,
        vouched=browser_session.vouched,
        link=browser_session.link,
        uid=browser_session.uid,
    )


def zone() -> ZoneInfo:
    """Return the viewer's time zone; UTC if the browser sends none or an unknown one."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def note(text: str, icon: str = ":material/check_circle:") -> None:
    """
    Store a message to show as a toast at the end of the next page run.

    Args:
        text: Sentence; names, addresses and other text from outside in it are shown as they are, not as Markdown.
        icon: Icon of the toast.
    """
    st.session_state[NOTE] = (text, icon)


def show_note() -> None:
    """Show the stored message once."""
    if NOTE in st.session_state:
        text, icon = st.session_state.pop(NOTE)
        st.toast(plain(text), icon=icon, duration="long")


@contextmanager
def show_errors() -> Iterator[None]:
    """Show a ``DashboardError`` in place as a sentence; any other exception is a defect and propagates."""
    try:
        yield
    except DashboardError as exc:
        show_error(str(exc))


@contextmanager
def keep_errors(place: str) -> Iterator[None]:
    """
    Keep a ``DashboardError`` of a widget's callback until the page run that follows.

    A callback runs before the page, so what it draws itself appears above the page's title, out of sight of the widget.

    Args:
        place: Name of the place that shows the error; see ``show_kept_error``.
    """
    try:
        yield
    except DashboardError as exc:
        keep_error(place, str(exc))


def keep_error(place: str, text: str) -> None:
    """Keep an error of a widget's callback until the page run that follows; see ``keep_errors``."""
    st.session_state[CALLBACK_ERROR] = (place, text)


def show_kept_error(place: str) -> None:
    """Show the error that a callback kept for this place, once."""
    if st.session_state.get(CALLBACK_ERROR, ("", ""))[0] == place:
        show_error(st.session_state.pop(CALLBACK_ERROR)[1])


def show_other_kept_error() -> None:
    """Show as a toast the error that a callback kept for a place that this page run did not draw, once."""
    if CALLBACK_ERROR in st.session_state:
        st.toast(plain(st.session_state.pop(CALLBACK_ERROR)[1]), icon=ERROR_ICON, duration="long")


def show_error(text: str) -> None:
    """Show an error in place; text from outside in it, such as a carrier's answer, is not read as Markdown."""
    st.error(plain(text), icon=ERROR_ICON)
