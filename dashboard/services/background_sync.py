"""
Background sync: a thread that syncs a home periodically.

There is one active loop per home: ``serve`` runs it, and a dashboard that was started without ``serve`` runs its own.
If another process already syncs the home, the loop waits until that process ends, and then takes over.
"""

from __future__ import annotations

import logging
import threading
import time

from dashboard.core.errors import DashboardError
from dashboard.services.sync_owner import SyncOwner
from dashboard.services.workspace import Workspace

SYNC_ERROR_KEY = "sync_error"
"""Key in the state database for the error of the last background sync, for every process that shows the home."""

TAKE_OVER_EVERY_S = 2.0
"""Interval, in seconds, at which a waiting loop checks whether the process that syncs has ended."""

log = logging.getLogger(__name__)


class SyncLoop:
    """
    Loop that syncs a workspace immediately and then periodically until stopped; errors are stored, the sync retried.

    The loop also restarts the embedded account if it has ended.
    """

    def __init__(self, workspace: Workspace, owner: SyncOwner | None = None) -> None:
        """
        Prepare the loop; ``start`` begins it.

        Args:
            workspace: The open home.
            owner: Lock with which this process owns the sync; a new one by default.
        """
        self._workspace = workspace
        self._owner = owner or SyncOwner(workspace.settings.home)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
        self.last_error = ""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Sync now instead of at the end of the pause."""
        self._wake.set()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop the thread, waiting up to ``timeout_s``; a running sync stops between its steps."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout_s)
        self._owner.release()

    def _wait_for_ownership(self) -> None:
        """Wait until this process owns the sync of the home, or the loop is stopped."""
        waited = False
        while not self._stop.is_set():
            try:
                if self._owner.acquire():
                    break
                if not waited:
                    log.info("Another process syncs this home: %s.", self._owner.other())
                waited = True
            except DashboardError as exc:
                log.warning("Whether another process syncs this home is not known. %s", exc)
            self._stop.wait(TAKE_OVER_EVERY_S)
        if waited and not self._stop.is_set():
            log.warning("The process that synced this home has ended; this one syncs it from now on.")

    def _run(self) -> None:
        settings = self._workspace.settings
        pause = settings.embedded_sync_every_s if settings.embedded else settings.sync_every_s
        whole_at = 0.0
        self._wait_for_ownership()
        while not self._stop.is_set():
            whole = time.monotonic() >= whole_at
            try:
                if self._workspace.revive():
                    log.warning("The embedded account had ended and was started again.")
                self._workspace.sync(quick=not whole, stop=self._stop.is_set)
                self._keep("")
                if whole:
                    whole_at = time.monotonic() + settings.sync_every_s
            except DashboardError as exc:
                self._keep(str(exc))
                log.warning("The sync did not succeed and is tried again in %.0f s. %s", pause, exc)
            except Exception as exc:  # a bug must not end the loop silently
                if self._stop.is_set():  # the workspace is being closed
                    log.info("The sync was cut off by the end of the program.", exc_info=True)
                    return
                self._keep(f"The sync met a fault of trunkgate's own ({type(exc).__name__}); its log has the details.")
                log.exception("The sync met a fault and is tried again in %.0f s.", pause)
            self._wake.wait(pause)
            self._wake.clear()

    def _keep(self, error: str) -> None:
        self.last_error = error
        try:
            if self._workspace.state.get(SYNC_ERROR_KEY, "") != error:
                self._workspace.state.put(SYNC_ERROR_KEY, error)
        except DashboardError as exc:
            log.warning("How the sync ended could not be kept. %s", exc)
