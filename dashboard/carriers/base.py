"""
Carrier interface: the ``Carrier`` protocol and its value types.

``capabilities`` lists what a carrier supports; callers check it in advance instead of relying on exceptions.
Every frame that a carrier returns has passed ``schemas.conform``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pandas as pd

from dashboard.core.progress import Progress
from dashboard.domain.admission import Observations
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Change

Stop = Callable[[], bool]
"""Callback between steps; True ends the work early."""


@dataclass(frozen=True)
class AccountState:
    """The account's profile and credential switch, and the observed behavior of the carrier."""

    tech_prefix: str
    credentials_on: bool | None
    credentials_changed_at: datetime | None = None
    observations: Observations = field(default_factory=Observations)
    sample: bool = False
    public_ranges: tuple[str, ...] = ()
    """Networks that this account treats as public, in CIDR notation."""
    known_by: str = "carrier"


@dataclass(frozen=True)
class ExportedWindow:
    """One downloaded export: all calls that started in [since, until), UTC, whole seconds."""

    path: Path
    since: datetime
    until: datetime


class Carrier(Protocol):
    """One account at one carrier. Every method may raise ``CarrierError``."""

    @property
    def name(self) -> str:
        """Display name of the carrier."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this carrier supports programmatically."""

    def account(self) -> AccountState:
        """Return the account's profile and credential switch."""

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """Return ALLOWED_IPS and the time since which the list is valid, UTC; ``None`` if unknown."""

    def numbers(self) -> pd.DataFrame:
        """Return NUMBERS: all DIDs and the routes that they point to."""

    def routes(self) -> pd.DataFrame:
        """Return ROUTES: all inbound routes."""

    def edges(self) -> pd.DataFrame:
        """Return EDGES: all PoPs and the networks that a PBX must admit."""

    def inventory(self) -> dict[str, pd.DataFrame] | None:
        """
        Return ``pbxs``, ``pbx_addresses`` and ``pbx_numbers`` if the carrier provides them; otherwise ``None``.

        Includes ``past_allowed_ips`` if the carrier also knows which entries were removed from the list, and when.
        """

    def apply(self, change: Change) -> None:
        """
        Apply one change.

        Raises:
            CapabilityError: The carrier has no endpoint for it; the message describes the manual step.
            CarrierRefusedError: The carrier declined the change.
            CarrierUnavailableError: The change may have been applied; read the account again.
        """

    def export_calls(
        self,
        since: datetime,
        until: datetime,
        folder: Path,
        *,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> list[ExportedWindow]:
        """
        Download the calls that started in [since, until) as export files.

        Args:
            since: Start, inclusive, UTC; rounded down to the whole second.
            until: End, exclusive, UTC; rounded up to the whole second.
            folder: Existing folder for the files.
            progress: Callback for the current step and the fraction done, 0 to 1.
            stop: Callback between steps; True ends the download early.

        Returns:
            The complete windows, oldest first, without gaps. They cover less than requested only if
            ``stop`` returned True: calls are known up to the last window's ``until``.
        """

    def close(self) -> None:
        """Close all connections."""
