"""A mutated answer is read completely, or raises a carrier error that names the endpoint."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

from dashboard import schemas
from dashboard.carriers.base import AccountState, Carrier
from dashboard.carriers.flowroute.client import FlowrouteCarrier
from dashboard.carriers.flowroute.portal import EmulatedPortal
from dashboard.core.errors import CarrierAnswerError, CarrierError
from dashboard.core.http.session import HttpSession
from dashboard.domain.changes import AllowAddress, CreateRoute, DeleteRoute, RouteNumber, SetCredentials
from tests.carriers.flowroute.test_portal import ENTRY, PROFILE
from tests.carriers.mutations import mutated
from tests.carriers.scripted import ACCESS, LINK, ORIGIN, RECORDED, SECRET, Reply, Script
from tests.texts import golden_pattern

ROUNDS = 250
LONGEST_MESSAGE = 1000
BODY_IS_NOT_READ = {"allow", "switch", "create_route"}
"""Calls whose success depends only on the status, because the account is read again afterwards."""
SINCE = datetime(2026, 11, 2, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=1)
DATED = {"valid_from": "2026-10-09T12:00:00Z"}
PBX = {"pbx_id": "a", "name": "A", "ip_kind": "static", "auth_method": "ip", "status": "active", "dials_prefix": "yes"}
JOB = {"type": "cdrexport", "id": "17", "attributes": {"status": "completed", "download_url": LINK, "expires_at": None}}
BODIES: dict[str, Any] = {
    "GET /portal/account": PROFILE,
    "GET /portal/allowed-ips": {"changed_at": "2026-10-09T12:00:00Z", "entries": [ENTRY]},
    "GET /portal/inventory": {
        "pbxs": [PBX],
        "pbx_addresses": [{"pbx_id": "a", "address": "198.51.100.11", **DATED}],
        "pbx_numbers": [{"pbx_id": "a", "number": "12065550100"}],
    },
    "POST /portal/allowed-ips": ENTRY,
    "PATCH /portal/account": PROFILE,
    "POST /v2/routes": {"data": {"type": "route", "id": "9", "attributes": {"alias": "b"}}},
    "GET /v2/cdrs/exports": {"data": [JOB], "links": {}},
    "POST /v2/cdrs/exports": {"data": JOB},
    "GET /v2/cdrs/exports/17": {"data": JOB},
    **{
        f"GET /v2/{path}": json.loads((RECORDED / f"{name}.json").read_text())
        for path, name in {
            "numbers": "numbers",
            "numbers/12065550100": "number-12065550100",
            "numbers/13125550101": "number-13125550101",
            "routes": "routes",
            "routes/edge_strategies": "edges",
        }.items()
    },
}
ALIAS = next(
    route["attributes"]["alias"]
    for route in BODIES["GET /v2/routes"]["data"]
    if route["attributes"]["alias"] != "sip-reg"
)
LISTED = "GET /v2/cdrs/exports"
CALLS: dict[str, tuple[Callable[[Carrier, Path], Any], tuple[str, ...]]] = {
    "account": (lambda carrier, _: carrier.account(), ("GET /portal/account",)),
    "allowed_ips": (lambda carrier, _: carrier.allowed_ips(), ("GET /portal/allowed-ips",)),
    "inventory": (lambda carrier, _: carrier.inventory(), ("GET /portal/inventory",)),
    "numbers": (
        lambda carrier, _: carrier.numbers(),
        ("GET /v2/numbers", "GET /v2/numbers/12065550100", "GET /v2/numbers/13125550101"),
    ),
    "routes": (lambda carrier, _: carrier.routes(), ("GET /v2/routes",)),
    "edges": (lambda carrier, _: carrier.edges(), ("GET /v2/routes/edge_strategies",)),
    "export": (
        lambda carrier, folder: carrier.export_calls(SINCE, UNTIL, folder),
        (LISTED, "POST /v2/cdrs/exports", "GET /v2/cdrs/exports/17"),
    ),
    "allow": (lambda carrier, _: carrier.apply(AllowAddress(network="198.51.100.24")), ("POST /portal/allowed-ips",)),
    "switch": (lambda carrier, _: carrier.apply(SetCredentials(enabled=False)), ("PATCH /portal/account",)),
    "create_route": (
        lambda carrier, _: carrier.apply(CreateRoute(alias="b", value="198.51.100.24")),
        ("POST /v2/routes",),
    ),
    "delete_route": (
        lambda carrier, _: carrier.apply(DeleteRoute(alias=ALIAS, value="198.51.100.24")),
        ("GET /v2/routes",),
    ),
    "point_number": (
        lambda carrier, _: carrier.apply(RouteNumber(number="12065550100", to_alias=ALIAS, was_alias="")),
        ("GET /v2/routes",),
    ),
}
"""Calls on the carrier, and the answers that they use."""


@pytest.fixture
def opened() -> Iterator[tuple[Carrier, Script, Path]]:
    """Open an emulated account over the script."""
    with ExitStack() as stack:
        script = Script()
        session = stack.enter_context(requests.Session())
        session.mount("https://", script)
        transport = HttpSession(ORIGIN, ACCESS, SECRET, session=session, sleep=lambda _: None)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        yield FlowrouteCarrier(transport, EmulatedPortal(transport)), script, Path(folder)


def prepare(script: Script) -> None:
    """Script a valid answer for every endpoint."""
    script.sent.clear()
    script.answers = {line: Reply(body) for line, body in BODIES.items()}
    script.answers |= {"GET " + LINK.partition("?")[0]: Reply(b"direction\n")}
    for method in ("DELETE", "PATCH"):
        for path in ("routes/", "numbers/12065550100/relationships/primary_route"):
            script.answers[f"{method} /v2/{path}"] = Reply(b"", 204)
    for route in BODIES["GET /v2/routes"]["data"]:
        script.answers[f"DELETE /v2/routes/{route['id']}"] = Reply(b"", 204)


def check(result: Any) -> None:
    """Check that a result satisfies its contract."""
    if isinstance(result, AccountState):
        assert isinstance(result.credentials_on, bool)
        assert len(result.tech_prefix) == 8
    frames = result if isinstance(result, dict) else {}
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, schemas.conform(frame, schemas.FRAMES[name], source=name))


@pytest.mark.parametrize("name", CALLS)
def test_a_mutated_answer_is_read_or_rejected(opened: tuple[Carrier, Script, Path], name: str) -> None:
    """Every call of portal and API raises only carrier errors on mutated answers."""
    carrier, script, folder = opened
    ask, endpoints = CALLS[name]
    prepare(script)
    check(ask(carrier, folder))
    chance = random.Random(name)
    rejected: list[CarrierError] = []

    for _ in range(ROUNDS):
        prepare(script)
        line = chance.choice(endpoints)
        script.answers[line] = Reply(mutated(BODIES[line], chance))
        try:
            check(ask(carrier, folder))
        except CarrierError as exc:
            rejected.append(exc)

    assert rejected or name in BODY_IS_NOT_READ
    assert [] == [str(exc) for exc in rejected if len(str(exc)) > LONGEST_MESSAGE]


@pytest.mark.parametrize(
    ("line", "field", "value", "named"),
    [
        ("GET /portal/account", "credentials_enabled", "yes", "credentials_enabled"),
        ("GET /portal/account", "public_ranges", ["everywhere"], "public_ranges.0"),
        ("GET /portal/account", "no_path_status", "403", "no_path_status"),
        ("GET /portal/allowed-ips", "entries", [ENTRY | {"label": 7}], "entries.0.label"),
        ("GET /portal/allowed-ips", "entries", [ENTRY | {"added_at": []}], "entries.0.added_at"),
        ("GET /portal/inventory", "pbxs", [[]], "pbxs.0"),
        ("GET /portal/inventory", "pbxs", {}, "pbxs"),
        ("GET /portal/inventory", "pbx_addresses", [{"pbx_id": {}}], "pbx_addresses.0.pbx_id"),
    ],
)
def test_the_endpoint_and_the_field_are_named(
    opened: tuple[Carrier, Script, Path], line: str, field: str, value: Any, named: str
) -> None:
    """A value of a wrong type in a portal answer is reported with endpoint and field."""
    carrier, script, folder = opened
    prepare(script)
    script.answers[line] = Reply(BODIES[line] | {field: value})
    name = next(name for name, (_, endpoints) in CALLS.items() if line in endpoints)

    with pytest.raises(
        CarrierAnswerError, match="^" + golden_pattern("errors.http.unusable_answer", line=line, named=named)
    ):
        CALLS[name][0](carrier, folder)
