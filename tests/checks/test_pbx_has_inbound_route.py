"""Check: every number of a PBX has an inbound route to its host."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.checks.pbx_has_inbound_route import pbx_has_inbound_route
from dashboard.domain.changes import CreateRoute, RouteNumber
from dashboard.domain.findings import Cause, Status
from dashboard.schemas.tables import RESOLVED_HOSTS
from tests.builders import NOW, frame, make_snapshot, pbx
from tests.texts import golden

FRESH = NOW - timedelta(minutes=10)
STALE = NOW - timedelta(hours=3)

NUMBER = "16025550160"
OTHER = "16025550161"
SIP_REG = {"route_id": "0", "alias": "sip-reg", "route_type": "sip-reg"}


def account(*routes, numbers=((NUMBER, "7"),), given=(NUMBER,), inbound_host="198.51.100.60:5060", **facts):
    """Return an account with Phoenix, its numbers, the default route and the given routes."""
    return make_snapshot(
        pbxs=[pbx("phoenix", inbound_host=inbound_host, **facts)],
        pbx_numbers=[{"pbx_id": "phoenix", "number": number} for number in given],
        numbers=[{"number": number, "route_id": route_id} for number, route_id in numbers],
        routes=[SIP_REG, *routes],
    )


def route(value, route_type="host", alias="Phoenix", route_id="7"):
    """Return a ``routes`` row."""
    return {"route_id": route_id, "alias": alias, "route_type": route_type, "value": value}


@pytest.mark.parametrize(
    ("value", "route_type"),
    [
        ("198.51.100.60", "host"),
        ("198.51.100.60:5060;transport=tls", "host"),
        ("sip:pbx@198.51.100.60:5060;transport=udp", "uri"),
        ("sip:198.51.100.60", "uri"),
    ],
)
def test_a_route_to_the_host_passes(judged, value, route_type):
    """Host and port must match; transport and user are ignored."""
    verdict = judged(pbx_has_inbound_route, account(route(value, route_type)))["phoenix"]

    assert verdict.status is Status.PASS
    assert verdict.evidence[0]["finding"] == "in order"


def test_host_names_are_compared_without_case(judged):
    """Host names are case-insensitive."""
    snapshot = account(route("PBX.Example.NET:5060"), inbound_host="pbx.example.net")

    assert judged(pbx_has_inbound_route, snapshot)["phoenix"].status is Status.PASS


@pytest.mark.parametrize(
    ("numbers", "routes", "words", "was"),
    [
        (((NUMBER, ""),), [], golden("checks.pbx_has_inbound_route.no_route", number=NUMBER), ""),
        (((NUMBER, "0"),), [], golden("checks.pbx_has_inbound_route.follows_registration", number=NUMBER), "sip-reg"),
        (((NUMBER, "9"),), [route("198.51.100.99", alias="Old", route_id="9")], "leads to 198.51.100.99", "Old"),
        (((NUMBER, "9"),), [route("198.51.100.60:5080", alias="Old", route_id="9")], "leads to 198.51.100.60:", "Old"),
        (((NUMBER, "9"),), [route("sips:198.51.100.60", "uri", "Old", "9")], "leads to sips:198.51.100.60", "Old"),
        (((NUMBER, "9"),), [route("14805550100", "number", "Mobile", "9")], "leads to 14805550100", "Mobile"),
        (((NUMBER, "77"),), [], "leads to 77", "77"),
    ],
)
def test_a_number_that_leads_elsewhere_fails(judged, numbers, routes, words, was):
    """A route with the PBX's name is created and the number moved to it; undo restores the previous route."""
    verdict = judged(pbx_has_inbound_route, account(*routes, numbers=numbers))["phoenix"]

    assert verdict.status is Status.FAIL
    assert words in verdict.reason
    assert verdict.changes == (
        CreateRoute(alias="Phoenix", route_type="host", value="198.51.100.60:5060"),
        RouteNumber(number=NUMBER, to_alias="Phoenix", was_alias=was),
    )


def test_an_existing_route_is_used(judged):
    """If a route to the host exists, the number is moved to it and no route is created."""
    snapshot = account(route("198.51.100.60", alias="West", route_id="7"), numbers=((NUMBER, "0"),))

    assert judged(pbx_has_inbound_route, snapshot)["phoenix"].changes == (
        RouteNumber(number=NUMBER, to_alias="West", was_alias="sip-reg"),
    )


def test_a_taken_alias_is_not_taken_again(judged):
    """Aliases are unique on the account, so a used alias gets a suffix."""
    taken = [route("192.0.2.1", alias="Phoenix", route_id="8"), route("192.0.2.2", alias="Phoenix 2", route_id="9")]
    create = judged(pbx_has_inbound_route, account(*taken, numbers=((NUMBER, ""),)))["phoenix"].changes[0]

    assert create == CreateRoute(alias="Phoenix 3", route_type="host", value="198.51.100.60:5060")


def test_a_number_that_is_not_on_the_account_is_named(judged):
    """A number that is not on the account cannot be routed; only the others are changed."""
    snapshot = account(numbers=((OTHER, ""),), given=(NUMBER, OTHER))
    verdict = judged(pbx_has_inbound_route, snapshot)["phoenix"]
    alone = judged(pbx_has_inbound_route, account(numbers=()))["phoenix"]

    cure = golden("checks.pbx_has_inbound_route.add_at_the_carrier")
    assert golden("checks.pbx_has_inbound_route.not_on_the_account", number=NUMBER) in verdict.reason
    assert verdict.reason.endswith(cure)
    assert alone.reason.endswith(cure)
    assert [change.describe() for change in verdict.changes] == [
        golden("fixes.changes.create_route", route="Phoenix", host="198.51.100.60:5060"),
        golden("fixes.changes.point_number", number=OTHER, route="Phoenix"),
    ]
    assert cure not in judged(pbx_has_inbound_route, account(numbers=((NUMBER, ""),)))["phoenix"].reason
    assert (alone.status, alone.changes) == (Status.FAIL, ())


@pytest.mark.parametrize(("ip_kind", "status"), [("dynamic", Status.PASS), ("static", Status.FAIL)])
def test_registration_is_for_dynamic_pbxs(judged, ip_kind, status):
    """The default route reaches registered PBXs; only a dynamic PBX needs to register."""
    snapshot = account(numbers=((NUMBER, "0"),), ip_kind=ip_kind)

    assert judged(pbx_has_inbound_route, snapshot)["phoenix"].status is status


def test_without_numbers(judged):
    """A standby PBX may have no numbers; an active one without numbers is unknown."""
    standby = judged(pbx_has_inbound_route, account(given=(), status="standby"))["phoenix"]
    active = judged(pbx_has_inbound_route, account(given=()))["phoenix"]

    assert standby.status is Status.PASS
    assert (active.status, active.cause) == (Status.UNKNOWN, Cause.MISSING)


def test_without_an_inbound_host(judged):
    """Without an inbound host the expected route is unknown."""
    verdict = judged(pbx_has_inbound_route, account(route("198.51.100.60"), inbound_host=""))["phoenix"]

    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.MISSING)


def test_a_retired_pbx_is_no_subject(judged):
    """A retired PBX receives no calls and is no subject."""
    assert judged(pbx_has_inbound_route, account(status="retired")) == {}


NAME = "pbx.phoenix.example"


@pytest.mark.parametrize(
    ("value", "inbound_host", "looked_up", "status"),
    [
        (NAME, "198.51.100.60", {}, Status.UNKNOWN),
        (NAME, "198.51.100.60", {NAME: ("198.51.100.60", FRESH)}, Status.PASS),
        (NAME, "198.51.100.60", {NAME: ("198.51.100.61", FRESH)}, Status.FAIL),
        (NAME, "198.51.100.60", {NAME: ("198.51.100.61", STALE)}, Status.UNKNOWN),
        (NAME, "198.51.100.60:5080", {NAME: ("198.51.100.60", FRESH)}, Status.FAIL),
        ("198.51.100.60", NAME, {}, Status.UNKNOWN),
        ("198.51.100.60", NAME, {NAME: ("198.51.100.60 198.51.100.61", FRESH)}, Status.PASS),
        (NAME, "198.51.100.60", {NAME: ("198.51.100.60 198.51.100.61", FRESH)}, Status.UNKNOWN),
        ("other.example", NAME, {}, Status.UNKNOWN),
        (
            "other.example",
            NAME,
            {NAME: ("198.51.100.60", FRESH), "other.example": ("198.51.100.60", FRESH)},
            Status.PASS,
        ),
    ],
)
def test_a_name_is_compared_through_its_addresses(judged, value, inbound_host, looked_up, status):
    """A host name is compared by its addresses; without a recent lookup it is unknown, without a fix."""
    snapshot = account(route(value), inbound_host=inbound_host)
    rows = [
        {"host": host, "address": address, "resolved_at": at}
        for host, (addresses, at) in looked_up.items()
        for address in addresses.split()
    ]
    verdict = judged(pbx_has_inbound_route, replace(snapshot, resolved_hosts=frame(RESOLVED_HOSTS, rows)))["phoenix"]

    assert verdict.status is status
    assert bool(verdict.changes) is (status is Status.FAIL)
    assert status is not Status.UNKNOWN or NAME in verdict.reason
