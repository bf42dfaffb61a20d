"""Conformance suite for every carrier: the same methods, the same frames, and correct capabilities."""

from __future__ import annotations

import csv
import gzip
import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

from dashboard import schemas
from dashboard.carriers import AccountState, Carrier, open_carrier
from dashboard.core.errors import CapabilityError
from dashboard.core.settings import Settings
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, Change, CreateRoute, RouteNumber, SetCredentials
from dashboard.emulator.lifecycle import process
from dashboard.storage.database import State
from tests.carriers.scripted import ACCESS, LINK, ORIGIN, SECRET, Reply, Script, listed, recorded

METHODS = [name for name, value in vars(Carrier).items() if inspect.isfunction(value) and not name.startswith("_")]
NOW = datetime.now(UTC).replace(microsecond=0)
HEADER = b"direction,start_time,end_time,destination\n"


@pytest.fixture(scope="module")
def recorded_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrier]:
    """Open a real account over recorded answers, with the operator's copy of the portal."""
    script = Script()
    made = {"type": "cdrexport", "id": "17", "attributes": {"status": "processing"}}
    done = {"type": "cdrexport", "id": "17", "attributes": {"status": "completed", "download_url": LINK}}
    script.answers = {
        "GET /v2/numbers": recorded("numbers"),
        "GET /v2/numbers/12065550100": recorded("number-12065550100"),
        "GET /v2/numbers/13125550101": recorded("number-13125550101"),
        "GET /v2/routes": recorded("routes"),
        "GET /v2/routes/edge_strategies": recorded("edges"),
        "GET /v2/cdrs/exports": listed(),
        "POST /v2/cdrs/exports": Reply({"data": made}, 202),
        "GET /v2/cdrs/exports/17": Reply({"data": done}),
        f"GET {LINK.partition('?')[0]}": Reply(gzip.compress(HEADER)),
    }
    profile = {"tech_prefix": "12345678", "credentials_on": True}
    entries = [{"network": "198.51.100.11"}]
    state = State.open(tmp_path_factory.mktemp("home"))
    state.save_version("account", profile, valid_from=NOW, seen_at=NOW, known_by="ann")
    state.save_version("allowed_ips", entries, valid_from=NOW, seen_at=NOW, known_by="ann")
    with requests.Session() as session:
        session.mount("https://", script)
        key = {"access_key": ACCESS, "secret_key": SECRET}
        yield open_carrier(Settings(), state, url=ORIGIN, **key, emulated=False, session=session)
    state.close()


@pytest.fixture(scope="module")
def emulated_account(emulator: process.Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrier]:
    """Open an emulator's account."""
    state = State.open(tmp_path_factory.mktemp("home"))
    key = {"access_key": emulator.access_key, "secret_key": emulator.secret_key}
    opened = open_carrier(Settings(), state, url=emulator.url, **key, emulated=True)
    yield opened
    opened.close()
    state.close()


@pytest.fixture(params=["recorded_account", "emulated_account"])
def account(request: pytest.FixtureRequest) -> Carrier:
    """Return each carrier in turn."""
    found: Carrier = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_those_of_the_protocol(name: str, account: Carrier) -> None:
    """Parameters, parameter kinds and defaults equal the protocol's."""

    def shape(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
        parameters = inspect.signature(function).parameters.values()
        return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]

    assert shape(getattr(Carrier, name)) == shape(getattr(type(account), name))


def test_capabilities_are_data(account: Carrier) -> None:
    """Capabilities are a frozen set of known names, without networks and IPv6, which the carrier does not document."""
    can = account.capabilities

    assert isinstance(can, frozenset)
    assert can <= set(Capability)
    assert not can & {Capability.CIDR_ENTRIES, Capability.IPV6_ENTRIES}
    assert account.name


def test_account_has_valid_prefix_switch_and_times(account: Carrier) -> None:
    """The prefix has eight digits, the switch is on, off or unknown, and times are UTC."""
    found = account.account()

    assert isinstance(found, AccountState)
    assert (8, True) == (len(found.tech_prefix), found.tech_prefix.isdecimal())
    assert found.credentials_on in {True, False, None}
    assert found.credentials_changed_at is None or found.credentials_changed_at.utcoffset() == timedelta()


@pytest.mark.parametrize("name", ["allowed_ips", "numbers", "routes", "edges"])
def test_frames_keep_their_contracts(name: str, account: Carrier) -> None:
    """Conforming a frame again changes nothing, and no frame is empty here."""
    found = getattr(account, name)()
    frame, since = found if name == "allowed_ips" else (found, None)

    pd.testing.assert_frame_equal(frame, schemas.conform(frame, schemas.FRAMES[name], source=name))
    assert len(frame)
    assert since is None or since.utcoffset() == timedelta()


def test_an_inventory_is_three_frames_or_none(account: Carrier) -> None:
    """The inventory has three conformed frames, and a fourth one if it knows removed entries."""
    found = account.inventory()

    assert found is None or {"pbxs", "pbx_addresses", "pbx_numbers"} == set(found) - {"past_allowed_ips"}
    for name, frame in (found or {}).items():
        pd.testing.assert_frame_equal(frame, schemas.conform(frame, schemas.FRAMES[name], source=name))


def test_numbers_point_at_routes_that_exist(account: Carrier) -> None:
    """Ids are the same text in both frames."""
    known = {"", *account.routes()["route_id"]}
    numbers = account.numbers()

    assert set(numbers["route_id"]) <= known
    assert set(numbers["failover_route_id"]) <= known


def test_calls_come_as_files_of_their_windows(account: Carrier, tmp_path: Path) -> None:
    """Calls are complete files with headers in the folder; windows are in order without gaps; progress reaches 1."""
    told: list[float] = []
    since = NOW - timedelta(days=100)
    until = NOW + timedelta(seconds=1)

    windows = account.export_calls(since, until, tmp_path, progress=lambda _what, share: told.append(share))

    assert (since, until) == (windows[0].since, windows[-1].until)
    assert [window.until for window in windows[:-1]] == [window.since for window in windows[1:]]
    assert {window.path for window in windows} == set(tmp_path.iterdir())
    for window in windows:
        with gzip.open(window.path, "rt", encoding="utf-8", newline="") as file:
            assert "start_time" in next(csv.reader(file))
    assert sorted(told) == told
    assert told[-1] == 1.0


def test_a_stop_ends_an_export(account: Carrier, tmp_path: Path) -> None:
    """A stop before the export sends no request."""
    assert [] == account.export_calls(NOW - timedelta(days=1), NOW, tmp_path, stop=lambda: True)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [AllowAddress(network="198.51.100.201"), SetCredentials(enabled=False)])
def test_what_is_not_a_capability_is_refused_as_such(change: Change, account: Carrier) -> None:
    """A change without its capability is refused; one with it works, is visible when read, and can be undone."""

    def seen() -> tuple[set[str], bool | None]:
        return set(account.allowed_ips()[0]["network"]), account.account().credentials_on

    before = seen()
    if change.needs not in account.capabilities:
        with pytest.raises(CapabilityError, match="portal"):
            account.apply(change)
        assert before == seen()
        return
    account.apply(change)
    assert before != seen()
    account.apply(change.inverse())
    assert before == seen()


def test_a_route_is_made_used_and_taken_back(account: Carrier) -> None:
    """Each change is visible when read, and the inverses in reverse order restore the account."""
    if account.inventory() is None:
        with pytest.raises(CapabilityError):
            account.apply(SetCredentials(enabled=True))
        return
    numbers = account.numbers()
    routes = account.routes()
    number = numbers.iloc[0]["number"]
    was = numbers.iloc[0]["route_id"]
    aliases = dict(zip(routes["route_id"], routes["alias"], strict=True)) | {"": ""}
    changes: list[Change] = [
        CreateRoute(alias="conformance", value="198.51.100.201"),
        RouteNumber(number=number, to_alias="conformance", was_alias=aliases[was]),
        RouteNumber(number=number, to_alias="", was_alias="conformance"),
    ]

    for change in changes:
        account.apply(change)
    assert "" == account.numbers().set_index("number").loc[number, "route_id"]
    assert "198.51.100.201" == account.routes().set_index("alias").loc["conformance", "value"]
    for change in reversed(changes):
        account.apply(change.inverse())

    pd.testing.assert_frame_equal(numbers, account.numbers())
    pd.testing.assert_frame_equal(routes, account.routes())
