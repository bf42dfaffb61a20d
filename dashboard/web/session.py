"""
What pages share: the open home, what is known of it, who is looking.

One workspace a server, never one a session. What is made of what is known is cached by the moment's name
(``services.snapshot_cache``), never by frames: Streamlit hashes only a sample of a large frame.
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

from dashboard.calls.analytics.cube import Cube, build_cube, midnights
from dashboard.calls.replay.replayer import Replayer
from dashboard.core.errors import DashboardError, FixError
from dashboard.core.settings import PREFIXES, SYNCED_BY, Settings
from dashboard.domain.actors import Actor, browser_actor
from dashboard.domain.changes import Change, ReplayImpact
from dashboard.domain.claims import Claims
from dashboard.domain.findings import Finding
from dashboard.domain.snapshot import Freshness, Snapshot
from dashboard.fixes.account_image import POLICY_KINDS, proposed
from dashboard.services.background_sync import SYNC_ERROR, SyncLoop
from dashboard.services.call_fetcher import Progress
from dashboard.services.snapshot_builder import SyncReport, freshness_of
from dashboard.services.snapshot_cache import AGE_EVERY_S, AccountView, SnapshotCache, StateVersion
from dashboard.services.workspace import Workspace
from dashboard.web import sessions

Made = TypeVar("Made")
NOTE = "session_note"
LOOK = "session_look"
BROWSER = "session_browser"
TIDY_EVERY_S = 60
"""How often garbage is collected."""

ERROR_ICON = ":material/error:"


@dataclass(frozen=True)
class Home:
    """The open workspace, what keeps its pages ready, and the loop that syncs it where no other process does."""

    workspace: Workspace
    keeper: SnapshotCache
    loop: SyncLoop | None

    def close(self) -> None:
        """Give everything back."""
        if self.loop:
            self.loop.stop()
        self.keeper.stop()
        self.workspace.close()


@st.cache_resource(show_spinner="Opening the account", on_release=Home.close)
def _open(home: str, account: str) -> Home:  # noqa: ARG001 - the cache's key
    settings = Settings.read()
    workspace = Workspace.open(settings, traffic=settings.live_calls_per_s)
    keeper, loop = SnapshotCache(workspace), None if os.environ.get(SYNCED_BY) else SyncLoop(workspace)
    if loop:
        loop.start()
    keeper.start()
    return Home(workspace, keeper, loop)


@st.cache_resource(show_spinner=False)
def settle() -> None:
    """
    Take what is loaded by now out of the garbage collector's sight, once a server.

    Where Streamlit is to collect after every run of a page, most of a click's time would go there.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)


@st.cache_resource(ttl=TIDY_EVERY_S, show_spinner=False)
def tidy() -> None:
    """Collect garbage once in a while, for all sessions at once: nobody waits for it after every click."""
    gc.collect()


def home() -> Home:
    """Return the open home of this server's settings."""
    run = _run()
    if run is None:
        return _opened()
    if _looked.run is not run:
        _looked.home, _looked.found, _looked.run = _opened(), None, run
    return _looked.home


def _opened() -> Home:
    told = frozenset(each for each in os.environ.items() if each[0].upper().startswith(PREFIXES))
    settings = _settings(told)
    return _open(str(settings.home), f"{settings.mode} {settings.base_url}")


@lru_cache(maxsize=4)
def _settings(told: frozenset[tuple[str, str]]) -> Settings:  # noqa: ARG001 - the cache's key
    return Settings.read()


def workspace() -> Workspace:
    """Return the open workspace of this server's settings."""
    return home().workspace


def now() -> AccountView:
    """
    Return all that is known, one moment's for the whole run of a page.

    A change of the account, a fix, or what an operator confirmed shows at once: what this run of a page wrote within
    it, what others wrote with the next run. New calls show some seconds after they came.
    """
    opened = home()
    if _run() is None:
        return opened.keeper.now()
    state = opened.workspace.state
    if _looked.found is None or _looked.writes != state.writes:
        _looked.found = opened.keeper.now(lambda: st.spinner("Checking the account"))
        _looked.writes = state.writes  # what it wrote in making it is no reason to make it again
    return _looked.found


def _run() -> object:
    """Return what is another thing in each run of a page; ``None`` outside of one."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.cursors if context else None


class _Looked(local):
    """What a thread found when it last looked."""

    run: object = None
    home: Home
    found: AccountView | None = None
    writes = -1


_looked = _Looked()


def known() -> tuple[Snapshot, list[Finding]]:
    """Return everything known as it stands now, and what every check says of just that. Never change either."""
    seen = now()
    return seen.snapshot, seen.findings


def snapshot() -> Snapshot:
    """Return everything known as it stands now. Shared between sessions: never change it."""
    return now().snapshot


def findings() -> list[Finding]:
    """Return what every check says now, worst first. Shared between sessions: never change it."""
    return now().findings


def freshness() -> dict[str, Freshness]:
    """Return when each input was last read or confirmed, as it is at this moment and not when the page was drawn."""
    opened = workspace()
    return freshness_of(opened.state, opened.store, opened.settings)


def claims() -> Claims:
    """Return what may be claimed of what is known now."""
    snapshot, found = known()
    return Claims(snapshot, found, sync_error(), named=bool(workspace().settings.files))


def cube() -> Cube:
    """Return the outbound calls of the snapshot, added up by hour, with days right in the viewer's zone. Shared."""
    seen, own = now(), zone()
    if not midnights(own, seen.snapshot.window_start or seen.snapshot.taken_at, seen.snapshot.taken_at):
        return seen.cube
    return kept("cube", "", lambda: build_cube(workspace().store, seen.snapshot, zone=own), ages=False)


def replayer() -> Replayer:
    """Return the snapshot made ready for replays. Shared between sessions."""
    return now().replayer


def kept(name: str, asked: object, make: Callable[[], Made], *, ages: bool = True) -> Made:
    """
    Return what was made of what is known, made unless it was. Shared between sessions: never change it.

    For what is small: it stays in memory for some minutes, of every state of what is known that was looked at.

    Args:
        name: Of what is made.
        asked: All that it depends on beside what is known and the viewer's zone; its ``repr`` tells it apart.
        make: Makes it.
        ages: Time alone changes it, and it has to agree with what else is shown of the moment. False for what is made
            of calls: it is kept while none come, until it is ``AGE_EVERY_S`` old.
    """
    moment = now().moment
    made: Made = _kept(moment if ages else moment._replace(look="", period=""), name, repr(asked), zone().key, make)
    return made


@st.cache_resource(max_entries=500, ttl=AGE_EVERY_S, show_spinner=False)
def _kept(
    moment: StateVersion,  # noqa: ARG001 - the cache's key
    name: str,  # noqa: ARG001 - as above
    asked: str,  # noqa: ARG001 - as above
    zone: str,  # noqa: ARG001 - as above
    _make: Callable[[], Any],
) -> Any:
    return _make()


def impacts() -> Callable[[Finding], ReplayImpact | None]:
    """Return what says of a finding's fix what it would have done to past calls; ``None`` where it bears on none."""
    seen = now()

    def impact(finding: Finding) -> ReplayImpact | None:
        if not any(isinstance(change, POLICY_KINDS) for change in finding.proposals):
            return None
        return _impact(seen.moment, finding.id, finding.proposals, seen)

    return impact


@st.cache_resource(max_entries=200, show_spinner=False)
def _impact(
    moment: StateVersion,  # noqa: ARG001 - the cache's key
    finding_id: str,  # noqa: ARG001 - as above
    _changes: tuple[Change, ...],
    _seen: AccountView,
) -> ReplayImpact:
    return _seen.replayer.against(proposed(_seen.snapshot.policy, _changes)).impact


def sync(progress: Progress | None = None) -> SyncReport:
    """Read the account and fetch calls now."""
    try:
        report = workspace().sync(progress=progress)
        workspace().state.put(SYNC_ERROR, "")
    finally:
        home().keeper.look_again()
    return report


def loaded() -> bool:
    """
    Say whether there is something to show.

    That is so in mode files, after the first sync, where the first sync failed and a list or an inventory was
    entered, and where somebody would rather see what is known so far.
    """
    opened = workspace()
    if opened.settings.files or opened.state.get("calls_until") is not None or st.session_state.get(LOOK):
        return True
    return bool(sync_error()) and any(one.as_of is not None for one in freshness().values())


def sync_error() -> str:
    """Return why the last sync did not succeed, in whichever process it ran; empty where it did."""
    return str(workspace().state.get(SYNC_ERROR, ""))


def browser() -> sessions.Session | None:
    """Return the session that the gate gave this browser; ``None`` where no gate did, or the session has ended."""
    headers = st.context.headers
    if not len(headers):  # no browser asked for this run, as in tests of pages
        return sessions.standing_in()
    return sessions.current.by_id(headers.get(sessions.HEADER) or "")


def same_browser(found: sessions.Session) -> None:
    """Forget what a tab holds where it comes back with the session of somebody else, drafts and open reviews too."""
    before = st.session_state.get(BROWSER)
    if before is not None and before != found.id:
        st.session_state.clear()
    st.session_state[BROWSER] = found.id


def who() -> Actor:
    """
    Return whoever sits at the browser, looked up anew: a session may have ended since the page was drawn.

    Raises:
        FixError: The session has ended, or nobody has given a name.
    """
    found = browser()
    if found is None or not found.name:
        raise FixError("The session of this browser has ended, so nothing was done. Run trunkgate link for another.")
    return browser_actor(found.name, found.made_by, vouched=found.vouched, link=found.link, uid=found.uid)


def zone() -> ZoneInfo:
    """Return the viewer's time zone; UTC where the browser names none that is known."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def note(text: str, icon: str = ":material/check_circle:") -> None:
    """Keep a result to be said as a toast once the page is drawn again."""
    st.session_state[NOTE] = (text, icon)


def say_note() -> None:
    """Say the kept result, once."""
    if NOTE in st.session_state:
        text, icon = st.session_state.pop(NOTE)
        st.toast(text, icon=icon, duration="long")


@contextmanager
def errors_said() -> Iterator[None]:
    """Say an error raised on purpose where it happened, as a sentence; anything else is a fault of ours."""
    try:
        yield
    except DashboardError as exc:
        st.error(str(exc), icon=ERROR_ICON)
