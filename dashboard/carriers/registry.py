"""
Open the configured carrier account.

``flowroute.client`` is the HTTP API client, ``flowroute.portal`` covers settings that exist only as portal pages, and
``flowroute.portal_paste`` parses text that an operator copies from such a page. ``core.http`` translates HTTP
failures; each parser translates errors in the content of a response.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import requests

from dashboard.carriers.base import Carrier
from dashboard.carriers.flowroute.client import FlowrouteCarrier
from dashboard.carriers.flowroute.portal import DeclaredPortal, EmulatedPortal
from dashboard.carriers.imported_files import FilesCarrier
from dashboard.core.errors import SettingsError
from dashboard.core.http.session import HttpSession
from dashboard.core.settings import Settings
from dashboard.storage import State


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
    Return the account that the API key belongs to. No request is sent.

    Args:
        settings: Source of the mode and of the networks to treat as public.
        state: Holds the declared copies of a real account.
        url: Origin that the key is for.
        access_key: Access key of the API.
        secret_key: Secret key of the API.
        emulated: The origin is an emulator, so its ``/portal`` is read too.
        session: Session for tests; by default a new one.
        sleep: Function that waits for a number of seconds between two attempts.

    Raises:
        SettingsError: The URL is not an origin, would send the key in clear text, or is not on this
            machine although ``emulated`` is true.
    """
    if settings.files:
        return FilesCarrier(DeclaredPortal(state, settings.treated_as_public))
    transport = HttpSession(url, access_key, secret_key, session=session, sleep=sleep)
    if emulated and not transport.on_loopback:
        raise SettingsError(f"{transport.origin} is not on this machine, so it is not an emulator.")
    if emulated:
        return FlowrouteCarrier(transport, EmulatedPortal(transport, settings.treated_as_public))
    return FlowrouteCarrier(transport, DeclaredPortal(state, settings.treated_as_public))
