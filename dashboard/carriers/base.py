"""
What every carrier is to the rest of the house: the ``Carrier`` protocol and the values it hands out.

Whether a carrier can do a thing is data (``capabilities``), asked before and never found out by an
exception. Every frame has passed ``schemas.conform`` when it leaves a carrier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pandas as pd

from dashboard.domain.admission import Observations
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Change

Progress = Callable[[str, float], None]
"""Told what is going on, and how far it is, 0 to 1."""

Stop = Callable[[], bool]
"""Asked between steps; True ends the work early."""


@dataclass(frozen=True)
class AccountState:
    """The account's profile and credential switch, and what is known of the carrier's own behavior."""

    tech_prefix: str
    credentials_on: bool | None
    credentials_changed_at: datetime | None = None
    observations: Observations = field(default_factory=Observations)
    sample: bool = False
    public_ranges: tuple[str, ...] = ()
    """Networks this account treats as public, as CIDR texts."""
    known_by: str = "carrier"


@dataclass(frozen=True)
class ExportedWindow:
    """One downloaded export: every call that started in [since, until), UTC, whole seconds."""

    path: Path
    since: datetime
    until: datetime


class Carrier(Protocol):
    """One account at one carrier. Every method may raise ``CarrierError``."""

    @property
    def name(self) -> str:
        """The carrier's name as people say it."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this carrier lets a program do."""

    def account(self) -> AccountState:
        """Return the account's profile and its credential switch."""

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """Return ALLOWED_IPS and since when the list holds, UTC; ``None`` where nobody knows."""

    def numbers(self) -> pd.DataFrame:
        """Return NUMBERS: every DID and the routes it points at."""

    def routes(self) -> pd.DataFrame:
        """Return ROUTES: every inbound route."""

    def edges(self) -> pd.DataFrame:
        """Return EDGES: every PoP and the networks to let in."""

    def inventory(self) -> dict[str, pd.DataFrame] | None:
        """
        Return ``pbxs``, ``pbx_addresses`` and ``pbx_numbers`` where the carrier has them to offer.

        With ``past_allowed_ips`` where it also knows which entries were removed from the list, and when.
        """

    def apply(self, change: Change) -> None:
        """
        Carry out one change.

        Raises:
            CapabilityError: There is no such endpoint; the message says where to do it by hand.
            CarrierRefusedError: The carrier declined it.
            CarrierUnavailableError: It is not known whether it was carried out; read again.
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
            since: Start, inclusive, UTC; taken down to the whole second.
            until: End, exclusive, UTC; taken up to the whole second.
            folder: Existing folder for the files.
            progress: Told what is going on, and how far it is, 0 to 1.
            stop: Asked between steps.

        Returns:
            The windows that are complete, oldest first, without a gap between them. Fewer than asked
            for only where ``stop`` said so: calls are known up to the last window's ``until``.
        """

    def close(self) -> None:
        """Give back every connection."""
