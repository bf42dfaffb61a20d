"""Windows of time that commands take, and the snapshot that is counted to their second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dashboard.core import clocks
from dashboard.core.errors import InputError

if TYPE_CHECKING:
    from dashboard.domain.snapshot import Snapshot
    from dashboard.services.workspace import Workspace

MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
"""How commands read times, UTC."""


@dataclass(frozen=True)
class TimeWindow:
    """Calls that start in [since, until)."""

    since: datetime | None
    until: datetime | None

    @classmethod
    def of(cls, since: datetime | None, until: datetime | None) -> TimeWindow:
        """
        Read ``--since`` and ``--until``.

        Raises:
            InputError: It begins in the future, or ends before it begins.
        """
        made = cls(*(None if at is None else at.replace(tzinfo=UTC) for at in (since, until)))
        if made.since and made.since > clocks.now():
            raise InputError(
                f"--since {since} lies in the future, so there are no calls from then on. Give a past time."
            )
        if made.since and made.until and made.until <= made.since:
            raise InputError(
                f"--until {until} is not after --since {since}, so no call lies between. Give a later time."
            )
        return made

    def snapshot(self, home: Workspace) -> Snapshot:
        """Return what is known: what calls outside the window prove counts, and no row straddles its edges."""
        usual = clocks.now() - timedelta(days=home.settings.window_days)
        edges = [at for at in (self.since, self.until) if at is not None]
        return home.snapshot(since=min([usual, *edges]), split_at=edges)
