"""
Flowroute account without an API key: calls come from imported files, everything else from the operator.

No request is ever sent. The operator declares dated copies of the account's portal pages, as for any real account.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd

from dashboard import schemas
from dashboard.carriers.base import AccountState, ExportedWindow, Stop
from dashboard.carriers.flowroute.portal import DeclaredPortal
from dashboard.core.errors import CapabilityError
from dashboard.core.progress import Progress
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, Change, RemoveAddress, SetCredentials


class FilesCarrier:
    """Account of imported files. It has no capabilities: nothing is read or written."""

    name = "Flowroute"
    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, portal: DeclaredPortal) -> None:
        self._portal = portal

    def account(self) -> AccountState:
        """See ``Carrier``; as declared by the operator."""
        return self._portal.account()

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """See ``Carrier``; as declared by the operator."""
        return self._portal.allowed_ips()

    def numbers(self) -> pd.DataFrame:
        """See ``Carrier``; empty, because no file contains them."""
        return schemas.empty(schemas.NUMBERS)

    def routes(self) -> pd.DataFrame:
        """See ``Carrier``; empty, because no file contains them."""
        return schemas.empty(schemas.ROUTES)

    def edges(self) -> pd.DataFrame:
        """See ``Carrier``; empty, because no file contains them."""
        return schemas.empty(schemas.EDGES)

    def inventory(self) -> dict[str, pd.DataFrame] | None:
        """See ``Carrier``; always ``None``."""
        return None

    def apply(self, change: Change) -> None:
        """
        Raise ``CapabilityError``: there is no API key.

        Raises:
            CapabilityError: Always; the message describes the manual step.
        """
        if isinstance(change, AllowAddress | RemoveAddress | SetCredentials):
            self._portal.apply(change)
        raise CapabilityError(f"This home has no API key. Make the change in the portal: {change.describe()}.")

    def export_calls(
        self,
        since: datetime,  # noqa: ARG002 - signature of the protocol
        until: datetime,  # noqa: ARG002 - as above
        folder: Path,  # noqa: ARG002 - as above
        *,
        progress: Progress | None = None,  # noqa: ARG002 - as above
        stop: Stop | None = None,  # noqa: ARG002 - as above
    ) -> list[ExportedWindow]:
        """See ``Carrier``; always empty."""
        return []

    def close(self) -> None:
        """See ``Carrier``; there are no connections."""
