"""Time windows of commands, and snapshots whose calls are counted exactly to their edges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dashboard.core import clocks
from dashboard.core.errors import InputError

if TYPE_CHECKING:
    from dashboard.domain.snapshot import Snapshot
    from dashboard.services import Workspace

MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
"""Formats of times on the command line, in UTC."""


@dataclass(frozen=True)
class TimeWindow:
    """Window of calls that start in [since, until)."""

    since: datetime | None
    until: datetime | None

    @classmethod
    def of(cls, since: datetime | None, until: datetime | None) -> TimeWindow:
        """
        Return the window of ``--since`` and ``--until``, both in UTC.

        Raises:
            InputError: The window begins in the future, or does not end after it begins.
        """
        window = cls(*(None if at is None else at.replace(tzinfo=UTC) for at in (since, until)))
        if window.since and window.since > clocks.now():
            raise InputError(
                f"--since {since} lies in the future, so there are no calls from then on. Give a past time."
            )
        if window.since and window.until and window.until <= window.since:
            raise InputError(
                f"--until {until} is not after --since {since}, so no call lies between. Give a later time."
            )
        return window

    def snapshot(self, home: Workspace) -> Snapshot:
        """
        Return a snapshot of the window, with traffic rows split at its edges.

        It also has the calls of the usual period outside the window, because they are evidence too.
        """
        usual = clocks.now() - timedelta(days=home.settings.window_days)
        edges = [at for at in (self.since, self.until) if at is not None]
        return home.snapshot(since=min([usual, *edges]), split_at=edges)
