"""Carrier account of a read-only home: it has recorded capabilities and sends no requests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NoReturn

import pandas as pd

from dashboard.carriers.base import AccountState, ExportedWindow, Stop
from dashboard.core.errors import CarrierUnavailableError
from dashboard.core.progress import Progress
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import Change


class OfflineCarrier:
    """Carrier without a connection; every request raises ``CarrierUnavailableError``."""

    name = "Flowroute"

    def __init__(self, capabilities: frozenset[Capability], reason: str) -> None:
        """
        Store the recorded capabilities and the reason.

        Args:
            capabilities: Capabilities at the last read of the account.
            reason: Message of the ``CarrierUnavailableError``, as a sentence.
        """
        self.capabilities = capabilities
        self._reason = reason

    def account(self) -> AccountState:
        """See ``Carrier``."""
        self._refuse()

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """See ``Carrier``."""
        self._refuse()

    def numbers(self) -> pd.DataFrame:
        """See ``Carrier``."""
        self._refuse()

    def routes(self) -> pd.DataFrame:
        """See ``Carrier``."""
        self._refuse()

    def edges(self) -> pd.DataFrame:
        """See ``Carrier``."""
        self._refuse()

    def inventory(self) -> dict[str, pd.DataFrame] | None:
        """See ``Carrier``."""
        self._refuse()

    def apply(self, change: Change) -> None:  # noqa: ARG002 - signature of the protocol
        """See ``Carrier``."""
        self._refuse()

    def export_calls(
        self,
        since: datetime,  # noqa: ARG002 - signature of the protocol
        until: datetime,  # noqa: ARG002 - as above
        folder: Path,  # noqa: ARG002 - as above
        *,
        progress: Progress | None = None,  # noqa: ARG002 - as above
        stop: Stop | None = None,  # noqa: ARG002 - as above
    ) -> list[ExportedWindow]:
        """See ``Carrier``."""
        self._refuse()

    def close(self) -> None:
        """Do nothing: no connection is open."""

    def _refuse(self) -> NoReturn:
        raise CarrierUnavailableError(self._reason)
