"""
Flowroute settings that exist only as portal pages: allowed IPs, credentials, the tech prefix.

``EmulatedPortal`` uses the emulator's ``/portal``. ``DeclaredPortal`` returns the operator's dated copy of a
real account's settings, sends no requests, and describes where to make each change manually.

Sources: support.bcmone.com/flowroute-support/docs/set-up-ip-based-authentication-for-outbound-calls
(menu paths) and .../set-up-account-restrictions-for-fraud-prevention (credentials, and the only page
whose address is documented). No API for any of these settings was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import pandas as pd

from dashboard import schemas
from dashboard.carriers.base import AccountState
from dashboard.carriers.flowroute.pagination import text, time_of
from dashboard.carriers.flowroute.portal_schema import PortalAccount, PortalInventory, PortalList, conformed, validated
from dashboard.core.errors import CapabilityError, CarrierAnswerError, CarrierUnavailableError, DialStringError
from dashboard.core.http.session import HttpSession
from dashboard.domain.admission import Observations
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, Change, RemoveAddress, SetCredentials
from dashboard.sip import parse_tech_prefix
from dashboard.storage import State

ACCOUNT_PATH = "/portal/account"
ENTRIES_PATH = "/portal/allowed-ips"
INVENTORY_PATH = "/portal/inventory"
INVENTORY = {
    "pbxs": schemas.PBXS,
    "pbx_addresses": schemas.PBX_ADDRESSES,
    "pbx_numbers": schemas.PBX_NUMBERS,
    "past_allowed_ips": schemas.PAST_ALLOWED_IPS,
}

PORTAL_READS = frozenset({Capability.READ_ALLOWED_IPS, Capability.READ_CREDENTIALS})
PORTAL_WRITES = frozenset({Capability.WRITE_ALLOWED_IPS, Capability.WRITE_CREDENTIALS})


class Portal(Protocol):
    """The part of ``Carrier`` that Flowroute's API lacks."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """See ``Carrier``."""

    def account(self) -> AccountState:
        """See ``Carrier``."""

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """See ``Carrier``."""

    def inventory(self) -> dict[str, pd.DataFrame] | None:
        """See ``Carrier``."""

    def apply(self, change: Change) -> None:
        """See ``Carrier``."""


class EmulatedPortal:
    """The portal of an emulated account: every setting can be read and written."""

    def __init__(self, transport: HttpSession, public_ranges: tuple[str, ...] = ()) -> None:
        self._transport = transport
        self._public_ranges = public_ranges
        self._refusals_in_cdrs: bool | None = None

    @property
    def capabilities(self) -> frozenset[Capability]:
        """See ``Carrier``; REFUSALS_IN_CDRS as of the last read of the account."""
        if self._refusals_in_cdrs is None:
            self.account()
        return PORTAL_READS | PORTAL_WRITES | ({Capability.REFUSALS_IN_CDRS} if self._refusals_in_cdrs else frozenset())

    def account(self) -> AccountState:
        """See ``Carrier``."""
        answer = validated(PortalAccount, self._transport.get(ACCOUNT_PATH), f"GET {ACCOUNT_PATH}")
        self._refusals_in_cdrs = answer.refusals_in_cdrs is True
        return AccountState(
            tech_prefix=_prefix(answer.tech_prefix),
            credentials_on=answer.credentials_enabled,
            credentials_changed_at=time_of(answer.credentials_changed_at),
            observations=Observations(answer.digest_rescues_prefix, answer.no_path_status),
            sample=answer.sample is True,
            public_ranges=tuple(dict.fromkeys((*(answer.public_ranges or ()), *self._public_ranges))),
        )

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """See ``Carrier``."""
        endpoint = f"GET {ENTRIES_PATH}"
        answer = validated(PortalList, self._transport.get(ENTRIES_PATH), endpoint)
        rows = [entry.model_dump(exclude_unset=True) for entry in answer.entries]
        twice = [network for network, times in Counter(row["network"] for row in rows).items() if times > 1]
        if twice:
            raise CarrierAnswerError(f"The answer to {endpoint} has {twice[0]} twice; nothing was taken from it.")
        frame = entries_rows(rows, known_by="carrier")
        listed = conformed(frame, schemas.ALLOWED_IPS, endpoint) if rows else schemas.empty(schemas.ALLOWED_IPS)
        return listed, time_of(answer.changed_at)

    def inventory(self) -> dict[str, pd.DataFrame] | None:
        """See ``Carrier``."""
        endpoint = f"GET {INVENTORY_PATH}"
        answer = validated(PortalInventory, self._transport.get(INVENTORY_PATH), endpoint)
        rows_by_frame = {name: getattr(answer, name) for name in INVENTORY}
        return {
            name: conformed(timed(rows, INVENTORY[name]), INVENTORY[name], endpoint)
            if rows
            else schemas.empty(INVENTORY[name])
            for name, rows in rows_by_frame.items()
        }

    def apply(self, change: Change) -> None:
        """See ``Carrier``."""
        if isinstance(change, AllowAddress):
            entry = {key: value for key, value in change.model_dump(exclude={"kind"}).items() if value}
            try:
                self._transport.request("POST", ENTRIES_PATH, body=entry)
            except CarrierUnavailableError:
                if change.network not in set(self.allowed_ips()[0]["network"]):
                    raise
        elif isinstance(change, RemoveAddress):
            self._transport.request("DELETE", f"{ENTRIES_PATH}/{quote(change.network, safe='')}")
        elif isinstance(change, SetCredentials):
            self._transport.request("PATCH", ACCOUNT_PATH, body={"credentials_enabled": change.enabled})
        else:
            raise CapabilityError(f"The portal has no page for this: {change.describe()}.")


class DeclaredPortal:
    """The operator's dated copy of a real account's portal. It has no capabilities: nothing is read or written."""

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, state: State, public_ranges: tuple[str, ...] = ()) -> None:
        self._state = state
        self._public_ranges = public_ranges

    def account(self) -> AccountState:
        """See ``Carrier``; ``credentials_on`` is ``None`` and the prefix empty until the operator declares them."""
        version = self._state.latest("account")
        values = version["content"] if version else {}
        enabled = values.get("credentials_on")
        return AccountState(
            tech_prefix=text(values.get("tech_prefix")),
            credentials_on=enabled if isinstance(enabled, bool) else None,
            credentials_changed_at=version["valid_from"] if version else None,
            observations=observations_of(values),
            public_ranges=self._public_ranges,
            known_by=version["known_by"] if version else "operator",
        )

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """See ``Carrier``; empty, with the time ``None``, until the operator declares a list."""
        version = self._state.latest("allowed_ips")
        if version is None:
            return schemas.empty(schemas.ALLOWED_IPS), None
        frame = entries_frame(version["content"], known_by="operator", source="the declared allowed IPs")
        return frame, version["valid_from"]

    def inventory(self) -> dict[str, pd.DataFrame] | None:
        """See ``Carrier``; always ``None``: a real account provides no inventory."""
        return None

    def apply(self, change: Change) -> None:
        """
        Raise ``CapabilityError``: Flowroute has no API for these settings.

        Raises:
            CapabilityError: Always; the message describes the step in the portal.
        """
        raise CapabilityError(f"Flowroute offers no API for this. {portal_step_for(change).sentence}")


@dataclass(frozen=True)
class PortalStep:
    """One manual step in the carrier's portal."""

    menu: str
    """Menu path as shown in the portal."""
    url: str
    """URL of the page if it is documented, else ``""``."""
    value: str
    """Value to enter; ``""`` if the page has only a switch."""
    sentence: str


def portal_step_for(change: Change) -> PortalStep:
    """
    Return the portal page for a change, and the value to enter.

    Raises:
        CapabilityError: The change is not made in the portal.
    """
    if isinstance(change, AllowAddress | RemoveAddress):
        menu = "Interconnection > Outbound Allowed IPs"
        act = (
            f"enter {change.network} under Enter IP Address and press Add IP Address"
            if isinstance(change, AllowAddress)
            else f"remove {change.network} from the list"
        )
        older_portal_note = "Newer portals call the page Interconnection > IP Authentication."
        return PortalStep(menu, "", change.network, f"In the portal, open {menu}, then {act}. {older_portal_note}")
    if isinstance(change, SetCredentials):
        menu = "Preferences > Fraud Control"
        act = (
            "switch Outbound SIP Credentials on (older portals: press Enable Credentials)"
            if change.enabled
            else "switch Outbound SIP Credentials off (older portals: press Disable Credentials)"
        )
        url = "https://manage.flowroute.com/accounts/preferences/fraud/"
        return PortalStep(menu, url, "", f"In the portal, open {menu}, then {act}.")
    raise CapabilityError(f"The portal is not needed for this: {change.describe()}.")


def _prefix(text: str) -> str:
    try:
        return parse_tech_prefix(text)
    except DialStringError as exc:
        raise CarrierAnswerError(f"The answer to GET {ACCOUNT_PATH} has a tech prefix that cannot be. {exc}") from exc


def observations_of(values: Mapping[str, Any]) -> Observations:
    """Return the observed behavior of the carrier; absent values stay unknown (``None``)."""
    rescues = values.get("digest_rescues_prefix")
    status = values.get("no_path_status")
    return Observations(
        digest_rescues_prefix=rescues if isinstance(rescues, bool) else None,
        no_path_status=status if isinstance(status, int) and not isinstance(status, bool) else None,
    )


def entries_frame(rows: list[dict[str, Any]], *, known_by: str, source: str) -> pd.DataFrame:
    """Return ALLOWED_IPS from rows with times as text; ``known_by`` applies to rows without their own."""
    if not rows:
        return schemas.empty(schemas.ALLOWED_IPS)
    return schemas.conform(entries_rows(rows, known_by=known_by), schemas.ALLOWED_IPS, source=source)


def entries_rows(rows: list[dict[str, Any]], *, known_by: str) -> pd.DataFrame:
    """Return rows of ALLOWED_IPS, not yet conformed; ``known_by`` applies to rows without their own."""
    marked = [{**row, "known_by": text(row.get("known_by")) or known_by} for row in rows]
    return timed(marked, schemas.ALLOWED_IPS)


def timed(rows: list[dict[str, Any]], schema: Any) -> pd.DataFrame:
    """Return rows as a frame, with the time columns of the contract parsed as UTC."""
    frame = pd.DataFrame(rows)
    for name, kind in (schema.metadata or {})["kinds"].items():
        column = name.rstrip("?")
        if kind == schemas.TIME and column in frame.columns:
            frame[column] = pd.Series([time_of(value) for value in frame[column]], dtype=schemas.UTC_TIME)
    return frame
