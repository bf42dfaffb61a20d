"""
Connect to Example Carrier: the allow list over its REST API; calls come from imported files.

Example of a carrier. A real one is ``dashboard/carriers/<carrier>/client.py`` and is opened by
``dashboard.carriers.registry.open_carrier``. Contract: ``dashboard.carriers.base.Carrier``. Tests:
``tests/carriers/test_conformance.py`` and ``tests/carriers/<carrier>/``.

API reference: state here its address, its limits and the time zone of its times. This carrier is made up:
``GET /acl`` answers ``{"items": [{"cidr": ..., "note": ...}]}``, ``POST /acl`` adds an item, ``DELETE /acl/<cidr>``
removes one.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pandas as pd
import requests

from dashboard import schemas
from dashboard.carriers import AccountState, Carrier, ExportedWindow
from dashboard.core.errors import CapabilityError, CarrierAnswerError
from dashboard.core.http.session import HttpSession
from dashboard.core.progress import Progress, Stop
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, Change, RemoveAddress

ACL: Final = "/acl"
COLUMNS: Final = {"cidr": "network", "note": "label"}
"""Fields of an item, each with its column in ``schemas.ALLOWED_IPS``."""


def open_example(
    url: str, access_key: str, secret_key: str, *, tech_prefix: str, session: requests.Session | None = None
) -> Carrier:
    """
    Return the account that a key opens; nothing is sent yet.

    Args:
        url: Origin of the API.
        access_key: User name of HTTP Basic authentication.
        secret_key: Its password.
        tech_prefix: Eight digits; the API does not return them.
        session: The seam for tests; a new one if not given.

    Raises:
        SettingsError: The URL is not an origin, or would send the key in clear.
    """
    transport = HttpSession(url, access_key, secret_key, name=ExampleCarrier.name, session=session)
    return ExampleCarrier(transport, tech_prefix)


class ExampleCarrier:
    """One account at Example Carrier."""

    name = "Example Carrier"
    capabilities: frozenset[Capability] = frozenset({Capability.READ_ALLOWED_IPS, Capability.WRITE_ALLOWED_IPS})

    def __init__(self, transport: HttpSession, tech_prefix: str) -> None:
        self._transport = transport
        self._tech_prefix = tech_prefix

    def account(self) -> AccountState:
        """See ``Carrier``; the API does not state whether credentials are on."""
        return AccountState(tech_prefix=self._tech_prefix, credentials_on=None)

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """
        See ``Carrier``.

        Raises:
            CarrierAnswerError: The answer is not a list of items.
        """
        items = self._transport.get(ACL).get("items")
        if not isinstance(items, list):
            raise CarrierAnswerError(
                f"{self.name}'s answer to GET {ACL} has no list of items; nothing was read from it."
            )
        if not items:
            return schemas.empty(schemas.ALLOWED_IPS), None
        rows = pd.DataFrame(items).rename(columns=COLUMNS).assign(role="active", known_by="carrier")
        return schemas.conform(rows, schemas.ALLOWED_IPS, source=f"{self.name}, GET {ACL}"), None

    def numbers(self) -> pd.DataFrame:
        """See ``Carrier``; empty, because the API has no numbers (no ``READ_NUMBERS``)."""
        return schemas.empty(schemas.NUMBERS)

    def routes(self) -> pd.DataFrame:
        """See ``Carrier``; empty, because the API has no routes (no ``READ_ROUTES``)."""
        return schemas.empty(schemas.ROUTES)

    def edges(self) -> pd.DataFrame:
        """See ``Carrier``; empty, because the API names no PoPs."""
        return schemas.empty(schemas.EDGES)

    def inventory(self) -> dict[str, pd.DataFrame] | None:
        """See ``Carrier``; the carrier has no inventory."""
        return None

    def apply(self, change: Change) -> None:
        """See ``Carrier``."""
        if isinstance(change, AllowAddress):
            self._transport.request("POST", ACL, body={"cidr": change.network, "note": change.label})
        elif isinstance(change, RemoveAddress):
            self._transport.request("DELETE", f"{ACL}/{quote(change.network, safe='')}")
        else:
            raise CapabilityError(f"{self.name} has no API for this. Make the change by hand: {change.describe()}.")

    def export_calls(
        self,
        since: datetime,  # noqa: ARG002 - the signature of the protocol
        until: datetime,  # noqa: ARG002 - as above
        folder: Path,  # noqa: ARG002 - as above
        *,
        progress: Progress | None = None,  # noqa: ARG002 - as above
        stop: Stop | None = None,  # noqa: ARG002 - as above
    ) -> list[ExportedWindow]:
        """See ``Carrier``; no window, because the API has no calls (no ``READ_CALLS``)."""
        return []

    def close(self) -> None:
        """See ``Carrier``."""
        self._transport.close()
