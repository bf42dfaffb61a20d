"""
Fetching calls: what was not fetched yet, and again the hours in which late rows may come.

A window that was asked for is remembered until it is in the store: a sync that was cut takes up the carrier's
job where it is, instead of asking for another.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from dashboard.calls.ingest.importer import FileResult, import_files
from dashboard.calls.store.store import CallStore
from dashboard.carriers.registry import Carrier
from dashboard.core.clocks import to_come
from dashboard.core.errors import CarrierAnswerError, StoreError
from dashboard.core.settings import Settings
from dashboard.storage.database import State

Progress = Callable[[str, float], None]
QUICK_AGAIN = timedelta(minutes=10)
"""How far back a quick sync reaches: longer than any call takes to reach the export of the embedded account."""
ASKED = "calls_asked"
ASK_AGAIN = timedelta(hours=2)
"""After so long a window that was never taken in is not asked for again: the next one spans it."""


def refresh_calls(
    carrier: Carrier,
    store: CallStore,
    state: State,
    settings: Settings,
    *,
    now: datetime,
    quick: bool = False,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> list[FileResult]:
    """
    Fetch the calls since the last sync, and again those of the last hours, into the store.

    Args:
        carrier: Exports calls by their start.
        store: Replaces each export's whole window.
        state: Remembers up to when calls were fetched.
        settings: How far back to begin, how many hours to fetch again.
        now: End of the window, exclusive, UTC.
        quick: Fetch only the last minutes again.
        progress: Told what is going on and how far it is, 0 to 1.
        stop: Asked between steps; True ends the sync early.

    Returns:
        A result per export. A sync that was stopped goes on where it ended.

    Raises:
        CarrierAnswerError: An export file could not be read; what was imported before it stands.
    """
    results: list[FileResult] = []
    fetch = partial(_fetch, carrier, store, state, settings, now=now, progress=progress or _silent, stop=stop or _go_on)
    if asked := _asked_before(state, now):
        results += fetch(*asked)
    since = next_since(state, store, settings, now, quick=quick)
    if not state.get("calls_until"):
        state.put("calls_since", since.isoformat())
    return results + fetch(since.replace(microsecond=0), now.replace(microsecond=0) + timedelta(seconds=1))


def next_since(state: State, store: CallStore, settings: Settings, now: datetime, *, quick: bool = False) -> datetime:
    """
    Return the start, UTC, of what the next sync fetches: calls from there on are compared with the export.

    Where calls were fetched at a time in the future, the clock was ahead, and nothing after the newest call of the
    carrier's is sure to be there. Looking back for it ends where the first sync would begin.
    """
    fetched, first = state.get("calls_until"), now - timedelta(days=settings.history_days)
    if not fetched:
        return first
    again = QUICK_AGAIN if quick else timedelta(hours=settings.sync_again_hours)
    until = datetime.fromisoformat(fetched)
    if not to_come(until, now):
        return min(until, now) - again
    newest = store.last_exported_at()
    return max(min(newest, now) - again, first) if newest else first


def _asked_before(state: State, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the window that was asked for and never taken in: the carrier may have its file ready by now."""
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
    stop: Callable[[], bool],
) -> list[FileResult]:
    """Export a window and import what comes; the state says which was asked for until it is in."""
    results: list[FileResult] = []
    state.put(ASKED, [since.isoformat(), until.isoformat()])
    with TemporaryDirectory(prefix="export-", dir=_folder(settings.home)) as folder:
        for window in carrier.export_calls(since, until, Path(folder), progress=progress, stop=stop):
            span, kept = (window.since, window.until), settings.keep_calls_days
            results += import_files(store, [window.path], window=span, keep_days=kept, progress=progress, stop=stop)
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
        raise StoreError(f"The folder {folder} for exports cannot be made: {exc.strerror}.") from exc
    return folder


def _silent(_what: str, _share: float) -> None:
    """Tell nobody."""


def _go_on() -> bool:
    return False
