"""
Open the carrier account in use.

``flowroute.client`` is the HTTP API, ``flowroute.portal`` what the carrier offers only as pages, and
``flowroute.portal_paste`` reads what an operator copies from such a page. Failures of HTTP are translated in
``core.http``, those of an answer's content where it is parsed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import requests

from dashboard.carriers.base import AccountState, Carrier, ExportedWindow
from dashboard.carriers.flowroute.client import FlowrouteCarrier
from dashboard.carriers.flowroute.portal import DeclaredPortal, EmulatedPortal, PortalStep, step_for
from dashboard.carriers.imported_files import FilesCarrier
from dashboard.core.errors import SettingsError
from dashboard.core.http.session import HttpSession
from dashboard.core.settings import Settings
from dashboard.storage.database import State

__all__ = ["AccountState", "Carrier", "ExportedWindow", "PortalStep", "open_carrier", "step_for"]


def open_carrier(
    settings: Settings,
    state: State,
    *,
    url: str,
    access_key: str,
    secret_key: str,
    emulated: bool,
    session: requests.Session | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Carrier:
    """
    Return the account that a key opens. Nothing is sent yet.

    Args:
        settings: For the networks to treat as public.
        state: Holds the declared copies of a real account.
        url: Origin the key is for.
        access_key: Of the API.
        secret_key: Of the API.
        emulated: The origin is an emulator, so its ``/portal`` is asked too.
        session: The seam for tests; one of its own when not given.
        sleep: Waits so many seconds between two attempts.

    Raises:
        SettingsError: The address is not an origin, would carry the key in clear, or is called an
            emulator and is not on this machine.
    """
    if settings.files:
        return FilesCarrier(DeclaredPortal(state, settings.treated_as_public))
    transport = HttpSession(url, access_key, secret_key, session=session, sleep=sleep)
    if emulated and not transport.on_loopback:
        raise SettingsError(f"{transport.origin} is not on this machine, so it is not an emulator.")
    if emulated:
        return FlowrouteCarrier(transport, EmulatedPortal(transport, settings.treated_as_public))
    return FlowrouteCarrier(transport, DeclaredPortal(state, settings.treated_as_public))
