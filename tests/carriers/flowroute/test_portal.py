"""Data that the API lacks: read from an emulated portal, or from the operator's copy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import requests

from dashboard.carriers import open_carrier, portal_step_for
from dashboard.carriers.flowroute.client import FlowrouteCarrier
from dashboard.carriers.flowroute.portal import DeclaredPortal, EmulatedPortal
from dashboard.core.errors import (
    CapabilityError,
    CarrierAnswerError,
    CarrierRefusedError,
    CarrierUnavailableError,
    SettingsError,
)
from dashboard.core.http.session import HttpSession
from dashboard.core.settings import Settings
from dashboard.domain.admission import Observations
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, Change, CreateRoute, RemoveAddress, SetCredentials
from dashboard.storage.database import State
from tests.carriers.scripted import ACCESS, SECRET, Reply, Script, error, never_connected
from tests.texts import golden

Fails = Callable[[type[Exception], Callable[[], Any]], str]
ACCOUNT = "GET /portal/account"
ENTRIES = "GET /portal/allowed-ips"
INVENTORY = "GET /portal/inventory"
CHANGED = datetime(2026, 10, 9, 12, 0, 0, 250_000, tzinfo=UTC)
PROFILE = {
    "tech_prefix": "12345678",
    "credentials_enabled": True,
    "credentials_changed_at": "2026-10-09T12:00:00.250000+00:00",
    "created_at": "2025-01-01T00:00:00.000000+00:00",
    "sample": True,
    "refusals_in_cdrs": True,
    "digest_rescues_prefix": True,
    "no_path_status": 403,
    "public_ranges": ["198.51.100.0/24"],
}
ENTRY = {
    "network": "198.51.100.11",
    "label": "Seattle",
    "owner": "Ann",
    "purpose": "trunk",
    "role": "active",
    "added_at": "2026-10-09T12:00:00.250000Z",
    "added_by": "ann",
    "review_by": None,
}
WRITES = {Capability.WRITE_ALLOWED_IPS, Capability.WRITE_CREDENTIALS}


@pytest.fixture
def portal(transport: HttpSession, script: Script) -> EmulatedPortal:
    """Return an emulated portal over the script."""
    script.answers |= {ACCOUNT: Reply(PROFILE), ENTRIES: Reply({"changed_at": CHANGED.isoformat(), "entries": [ENTRY]})}
    return EmulatedPortal(transport, ("203.0.113.0/24",))


def test_emulated_account_reports_undocumented_behavior(portal: EmulatedPortal) -> None:
    """
    Undocumented behavior is a setting of an emulated account, and therefore known.

    The operator's public ranges are added to its own.
    """
    account = portal.account()

    assert ("12345678", True, CHANGED, True) == (
        account.tech_prefix,
        account.credentials_on,
        account.credentials_changed_at,
        account.sample,
    )
    assert Observations(digest_rescues_prefix=True, no_path_status=403) == account.observations
    assert ("198.51.100.0/24", "203.0.113.0/24") == account.public_ranges
    assert "carrier" == account.known_by


@pytest.mark.parametrize(
    "lacks",
    [{"tech_prefix": ""}, {"tech_prefix": None}, {"credentials_enabled": None}, {"credentials_enabled": "yes"}],
)
def test_an_account_without_its_switch_is_an_error(
    lacks: dict[str, Any], portal: EmulatedPortal, script: Script, fails: Fails
) -> None:
    """A missing switch is an error, not off."""
    script.answers[ACCOUNT] = Reply(PROFILE | lacks)

    fails(CarrierAnswerError, portal.account)


@pytest.mark.parametrize("said", [True, False, None])
def test_refusals_are_in_cdrs_only_where_the_portal_says_so(
    said: bool | None, portal: EmulatedPortal, script: Script
) -> None:
    """CDRs contain refusals only if the portal says so; networks and IPv6 are never capabilities."""
    script.answers[ACCOUNT] = Reply(PROFILE | {"refusals_in_cdrs": said})

    can = portal.capabilities

    assert (said is True) == (Capability.REFUSALS_IN_CDRS in can)
    assert can >= WRITES
    assert not can & {Capability.CIDR_ENTRIES, Capability.IPV6_ENTRIES}


def test_the_switch_for_refusals_is_followed(portal: EmulatedPortal, script: Script) -> None:
    """The next read of the account updates the capability, and querying it sends no request."""
    assert Capability.REFUSALS_IN_CDRS in portal.capabilities
    script.answers[ACCOUNT] = Reply(PROFILE | {"refusals_in_cdrs": False})
    asked = len(script.sent)
    assert Capability.REFUSALS_IN_CDRS in portal.capabilities
    assert asked == len(script.sent)
    portal.account()

    assert Capability.REFUSALS_IN_CDRS not in portal.capabilities


def test_the_list_is_read_with_who_and_why(portal: EmulatedPortal) -> None:
    """Times have microseconds, missing values stay missing, and the list's own time is kept."""
    frame, changed_at = portal.allowed_ips()

    row = frame.iloc[0]
    assert CHANGED == changed_at == row["added_at"]
    assert ("198.51.100.11", "Seattle", "Ann", "carrier") == tuple(row[["network", "label", "owner", "known_by"]])
    assert pd.isna(row["review_by"])


def test_an_empty_list_is_a_list(portal: EmulatedPortal, script: Script) -> None:
    """An empty list is known and admits no address."""
    script.answers[ENTRIES] = Reply({"changed_at": CHANGED.isoformat(), "entries": []})

    frame, changed_at = portal.allowed_ips()

    assert (0, CHANGED) == (len(frame), changed_at)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, CarrierAnswerError),
        ({"entries": {}}, CarrierAnswerError),
        ({"entries": [{"label": "x"}]}, CarrierAnswerError),
        ({"entries": [ENTRY | {"role": "boss"}]}, CarrierAnswerError),
    ],
)
def test_a_list_that_is_not_understood_is_an_error(
    body: Any, kind: type[Exception], portal: EmulatedPortal, script: Script, fails: Fails
) -> None:
    """An unexpected answer never becomes an empty list."""
    script.answers[ENTRIES] = Reply(body)

    fails(kind, portal.allowed_ips)


def test_an_emulated_account_offers_its_inventory(portal: EmulatedPortal, script: Script) -> None:
    """The inventory has three conformed frames, even if one has no rows."""
    pbx = {"pbx_id": "a", "name": "A", "ip_kind": "static", "auth_method": "ip", "status": "active", "more": 1}
    address = {"pbx_id": "a", "address": "198.51.100.11", "valid_from": "2026-10-09T12:00:00.25Z", "valid_to": None}
    script.answers[INVENTORY] = Reply({"pbxs": [pbx], "pbx_addresses": [address], "pbx_numbers": []})

    found = portal.inventory() or {}

    assert CHANGED == found["pbx_addresses"]["valid_from"].iloc[0]
    assert [1, 1, 0] == [len(found[name]) for name in ("pbxs", "pbx_addresses", "pbx_numbers")]


def test_changes_of_the_portal_are_one_request_each(portal: EmulatedPortal, script: Script) -> None:
    """Adding an entry with all fields, removing an address and setting the switch are one request each."""
    script.answers |= {
        "POST /portal/allowed-ips": Reply(ENTRY, 201),
        "DELETE /portal/allowed-ips/198.51.100.11": Reply(b"", 204),
        "PATCH /portal/account": Reply(PROFILE),
    }

    portal.apply(AllowAddress(network="198.51.100.11", label="Seattle", owner="Ann", purpose="trunk", role="standby"))
    portal.apply(RemoveAddress(network="198.51.100.11"))
    portal.apply(SetCredentials(enabled=False))

    entry = {"network": "198.51.100.11", "label": "Seattle", "owner": "Ann", "purpose": "trunk", "role": "standby"}
    assert [entry] == script.bodies("POST")
    assert [{"credentials_enabled": False}] == script.bodies("PATCH")
    assert 3 == len(script.sent)


@pytest.mark.parametrize(("network", "there"), [("198.51.100.11", True), ("198.51.100.24", False)])
def test_an_entry_whose_answer_was_lost_is_looked_for(
    network: str, there: bool, portal: EmulatedPortal, script: Script, fails: Fails
) -> None:
    """After a lost answer, an existing entry is success; otherwise an error is raised without a second POST."""
    script.answers["POST /portal/allowed-ips"] = requests.ReadTimeout()

    if there:
        portal.apply(AllowAddress(network=network))
    else:
        fails(CarrierUnavailableError, lambda: portal.apply(AllowAddress(network=network)))

    assert len(script.bodies("POST")) == 1


@pytest.mark.parametrize("status", [409, 422])
def test_an_entry_that_is_refused_is_an_error(
    status: int, portal: EmulatedPortal, script: Script, fails: Fails
) -> None:
    """The error contains the portal's own sentence."""
    script.answers["POST /portal/allowed-ips"] = error(status, "Not a single public IPv4 address.")

    said = fails(CarrierRefusedError, lambda: portal.apply(AllowAddress(network="10.0.0.1")))

    assert golden("errors.portal.not_a_single_address") in said


def test_undeclared_account_is_unknown(state: State) -> None:
    """Before any declaration, prefix, switch and list are unknown and have no date."""
    portal = DeclaredPortal(state)

    account, (frame, since) = portal.account(), portal.allowed_ips()

    assert ("", None, None, "operator") == (
        account.tech_prefix,
        account.credentials_on,
        account.credentials_changed_at,
        account.known_by,
    )
    assert (0, None) == (len(frame), since)
    assert portal.inventory() is None


def test_a_declared_copy_is_dated_and_signed(state: State) -> None:
    """The latest version is returned with its start and author."""
    values = {"tech_prefix": "12345678", "credentials_on": False, "digest_rescues_prefix": None, "no_path_status": 403}
    entries = [ENTRY | {"known_by": ""}]
    state.save_version("account", values, valid_from=CHANGED, seen_at=CHANGED, known_by="ann")
    state.save_version("allowed_ips", entries, valid_from=CHANGED, seen_at=CHANGED + timedelta(1), known_by="ann")
    portal = DeclaredPortal(state, ("198.51.100.0/24",))

    account, (frame, since) = portal.account(), portal.allowed_ips()

    assert ("12345678", False, CHANGED, "ann") == (
        account.tech_prefix,
        account.credentials_on,
        account.credentials_changed_at,
        account.known_by,
    )
    assert Observations(no_path_status=403) == account.observations
    assert (CHANGED, "operator") == (since, frame["known_by"].iloc[0])


def test_a_real_account_offers_the_api_and_nothing_of_the_portal(carrier: FlowrouteCarrier) -> None:
    """A program can neither read nor write the portal of a real account."""
    api = {Capability.READ_CALLS, Capability.READ_NUMBERS, Capability.READ_ROUTES, Capability.WRITE_ROUTES}

    assert api == carrier.capabilities


@pytest.mark.parametrize(
    ("change", "menu", "value"),
    [
        (AllowAddress(network="198.51.100.24"), golden("pages.policy.portal_place"), "198.51.100.24"),
        (RemoveAddress(network="198.51.100.50"), golden("pages.policy.portal_place"), "198.51.100.50"),
        (SetCredentials(enabled=False), "Preferences > Fraud Control", ""),
        (SetCredentials(enabled=True), "Preferences > Fraud Control", ""),
    ],
)
def test_a_change_of_a_real_portal_says_where_it_is_made(
    change: Change, menu: str, value: str, carrier: FlowrouteCarrier, script: Script, fails: Fails
) -> None:
    """The error has menu path and value; only the one documented address is linked; no request is sent."""
    said = fails(CapabilityError, lambda: carrier.apply(change))

    step = portal_step_for(change)
    assert (menu, value) == (step.menu, step.value)
    assert menu in said
    assert value in said
    assert step.url in {"", "https://manage.flowroute.com/accounts/preferences/fraud/"}
    assert [] == script.sent


def test_a_route_is_not_made_in_the_portal(portal: EmulatedPortal, state: State, fails: Fails) -> None:
    """No portal accepts changes that belong to the API."""
    change = CreateRoute(alias="a", value="b")

    fails(CapabilityError, lambda: portal.apply(change))
    fails(CapabilityError, lambda: DeclaredPortal(state).apply(change))


def test_an_emulator_is_on_this_machine(state: State, script: Script, fails: Fails) -> None:
    """The key of a real account is never sent to an emulated portal."""
    said = fails(
        SettingsError,
        lambda: open_carrier(
            Settings(), state, url="https://api.flowroute.com", access_key=ACCESS, secret_key=SECRET, emulated=True
        ),
    )

    assert "not an emulator" in said
    assert [] == script.sent


@pytest.mark.parametrize("emulated", [True, False])
def test_opening_sends_nothing(emulated: bool, state: State, session: requests.Session, script: Script) -> None:
    """Opening sends no request, and the repr does not contain the key."""
    url = "http://127.0.0.1:9" if emulated else "https://api.flowroute.com"
    opened = open_carrier(
        Settings(), state, url=url, access_key=ACCESS, secret_key=SECRET, emulated=emulated, session=session
    )
    opened.close()

    assert [] == script.sent
    assert not [secret for secret in (ACCESS, SECRET) if secret in f"{opened!r}{vars(opened)!r}"]


def test_an_emulator_that_is_away_is_said_to_be(portal: EmulatedPortal, script: Script, fails: Fails) -> None:
    """Capabilities are not guessed if the emulator is unavailable."""
    script.answers[ACCOUNT] = never_connected()

    fails(CarrierUnavailableError, lambda: portal.capabilities)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"entries": [None]}, golden("errors.portal.unusable_entry")),
        ({"entries": [ENTRY, ENTRY]}, "has 198.51.100.11 twice"),
        ({"entries": [ENTRY | {"network": "10.0.0.1/99"}]}, golden("errors.portal.no_address_of_a_network")),
    ],
)
def test_invalid_list_is_refused_as_a_whole(
    portal: EmulatedPortal, script: Script, fails: Fails, body: dict[str, Any], sentence: str
) -> None:
    """An invalid list is refused as a whole, and the fault is named."""
    script.answers[ENTRIES] = Reply(body | {"changed_at": None})

    assert sentence in fails(CarrierAnswerError, portal.allowed_ips)


@pytest.mark.parametrize(
    ("prefix", "sentence"), [("1234567", "has 7 digits"), ("1234567a", golden("errors.portal.has_letters"))]
)
def test_a_prefix_that_cannot_be_is_not_taken(
    portal: EmulatedPortal, script: Script, fails: Fails, prefix: str, sentence: str
) -> None:
    """An invalid prefix is refused, because it would be part of every dial string."""
    script.answers[ACCOUNT] = Reply(PROFILE | {"tech_prefix": prefix})

    assert sentence in fails(CarrierAnswerError, portal.account)


def test_a_time_before_all_times_is_absent(portal: EmulatedPortal, script: Script) -> None:
    """The first day of year 1 in another zone precedes the minimum date, and counts as missing."""
    script.answers[ACCOUNT] = Reply(PROFILE | {"credentials_changed_at": "0001-01-01T00:00:00+14:00"})

    assert portal.account().credentials_changed_at is None
