"""
The rooms that take seconds to load, behind one door: ``--help`` and the journal do without them.

Commands ask here for what they need when they run, so that their options can be read before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.settings import Settings

if TYPE_CHECKING:
    from dashboard.workspace import Workspace


def open_home(*, live: bool = False) -> Workspace:
    """
    Open the home that the environment names.

    Args:
        live: Let calls keep arriving where the embedded account has to be started.
    """
    from dashboard.workspace import Workspace  # noqa: PLC0415 - loads pandas and the web parts, for seconds

    settings = Settings.read()
    return Workspace.open(settings, traffic=settings.live_calls_per_s if live else 0.0)
