"""
Carriers: one protocol, its data and frames, and the door to the account in use.

``flowroute`` is the HTTP API, ``portal`` what the carrier offers only as pages, ``pasted`` reads what an
operator copies from such a page. Each foreign failure is translated once: in ``wire`` for HTTP, in
``transport`` for what an answer holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import requests

from dashboard.carriers.contract import AccountState, Carrier, ExportedWindow
from dashboard.carriers.files import FilesCarrier
from dashboard.carriers.flowroute import FlowrouteCarrier
from dashboard.carriers.portal import DeclaredPortal, EmulatedPortal, PortalStep, step_for
from dashboard.carriers.transport import Transport
from dashboard.errors import SettingsError
from dashboard.settings import Settings
from dashboard.state import State

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
    transport = Transport(url, access_key, secret_key, session=session, sleep=sleep)
    if emulated and not transport.on_loopback:
        raise SettingsError(f"{transport.origin} is not on this machine, so it is not an emulator.")
    if emulated:
        return FlowrouteCarrier(transport, EmulatedPortal(transport, settings.treated_as_public))
    return FlowrouteCarrier(transport, DeclaredPortal(state, settings.treated_as_public))
