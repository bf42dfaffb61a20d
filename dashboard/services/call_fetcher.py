"""
Call fetcher: fetches new calls from the carrier, and again those of the last hours, in which late rows may appear.

A requested window is remembered until it is in the store, so an interrupted sync resumes the carrier's export job
instead of requesting another one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from dashboard.calls import CallStore, import_files
from dashboard.calls.ingest import FileResult
from dashboard.carriers import Carrier
from dashboard.core.clocks import to_come
from dashboard.core.disk_faults import cure
from dashboard.core.errors import CarrierAnswerError, StoreError
from dashboard.core.progress import Progress, Stop, never_stop, no_progress
from dashboard.core.settings import Settings
from dashboard.storage import State

QUICK_AGAIN = timedelta(minutes=10)
"""Overlap of a quick sync: longer than any call takes to appear in the export of the embedded account."""
ASKED = "calls_asked"
ASK_AGAIN = timedelta(hours=2)
"""Time after which a window that was never imported is not requested again, because the next one covers it."""


def refresh_calls(
    carrier: Carrier,
    store: CallStore,
    state: State,
    settings: Settings,
    *,
    now: datetime,
    quick: bool = False,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> list[FileResult]:
    """
    Fetch the calls since the last sync, and again those of the last hours, into the store.

    Args:
        carrier: Carrier that exports calls by their start time.
        store: Call store; each export replaces the calls of its whole window.
        state: State database, which records up to when calls were fetched.
        settings: Start of the history in days, and number of hours to fetch again.
        now: End of the window, exclusive, UTC.
        quick: Fetch only the last minutes again.
        progress: Callback with a description of the step and the completed share, 0 to 1.
        stop: Callback polled between steps; True ends the sync early.

    Returns:
        One result per export. After an early end, the next sync resumes where this one ended.

    Raises:
        CarrierAnswerError: An export file could not be read; exports imported before it are kept.
    """
    results: list[FileResult] = []
    progress = progress or no_progress
    stop = stop or never_stop
    fetch = partial(_fetch, carrier, store, state, settings, now=now, progress=progress, stop=stop)
    if unfinished := _unfinished_window(state, now):
        results += fetch(*unfinished)
    since = next_sync_since(state, store, settings, now, quick=quick)
    if not state.get("calls_until"):
        state.put("calls_since", since.isoformat())
    return results + fetch(since.replace(microsecond=0), now.replace(microsecond=0) + timedelta(seconds=1))


def next_sync_since(
    state: State, store: CallStore, settings: Settings, now: datetime, *, quick: bool = False
) -> datetime:
    """
    Return the start, UTC, of the window that the next sync fetches and compares with the export.

    If the last fetch is dated in the future, the clock was ahead, and only calls up to the newest exported one are
    certain to be in the store: the window starts before that call, but not before the start of a first sync.
    """
    fetched = state.get("calls_until")
    first = now - timedelta(days=settings.history_days)
    if not fetched:
        return first
    overlap = QUICK_AGAIN if quick else timedelta(hours=settings.sync_again_hours)
    until = datetime.fromisoformat(fetched)
    if not to_come(until, now):
        return min(until, now) - overlap
    newest = store.last_exported_at()
    return max(min(newest, now) - overlap, first) if newest else first


def _unfinished_window(state: State, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the window that was requested but never imported: the carrier's file may be ready by now."""
    since, until = (datetime.fromisoformat(at) for at in state.get(ASKED) or (now.isoformat(), now.isoformat()))
    return (since, until) if since < until and not to_come(until, now) and now - until < ASK_AGAIN else None


def _fetch(
    carrier: Carrier,
    store: CallStore,
    state: State,
    settings: Settings,
    since: datetime,
    until: datetime,
    *,
    now: datetime,
    progress: Progress,
    stop: Stop,
) -> list[FileResult]:
    """Export a window and import the files; the state records the requested window until it is imported."""
    results: list[FileResult] = []
    state.put(ASKED, [since.isoformat(), until.isoformat()])
    with TemporaryDirectory(prefix="export-", dir=_folder(settings.home)) as folder:
        for window in carrier.export_calls(since, until, Path(folder), progress=progress, stop=stop):
            span = (window.since, window.until)
            keep_days = settings.keep_calls_days
            results += import_files(
                store, [window.path], window=span, keep_days=keep_days, progress=progress, stop=stop
            )
            if results[-1].error and stop():
                return results[:-1]
            if results[-1].error:
                message = f"An export of calls could not be read, and none of it was taken. {results[-1].error}"
                raise CarrierAnswerError(message)
            state.put("calls_until", min(now, window.until).isoformat())
            state.put(ASKED, [window.until.isoformat(), until.isoformat()])
    if not stop():
        state.put(ASKED, None)
    return results


def _folder(home: Path) -> Path:
    folder = home / "exports"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreError(f"The folder {folder} for exports cannot be made: {exc.strerror}. {cure(exc)}") from exc
    return folder
