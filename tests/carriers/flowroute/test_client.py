"""Numbers, routes and PoPs from the API, page by page, and changes to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from dashboard.carriers.flowroute.client import FlowrouteCarrier, networks_of
from dashboard.core.errors import CarrierAnswerError, CarrierRefusedError, CarrierUnavailableError
from dashboard.domain.changes import CreateRoute, DeleteRoute, RouteNumber
from tests.carriers.scripted import Reply, Script, error, listed, never_connected, recorded

Fails = Callable[[type[Exception], Callable[[], Any]], str]
NUMBERS = "GET /v2/numbers"
ROUTES = "GET /v2/routes"


def route(number: int | str, alias: str = "", **values: Any) -> dict[str, Any]:
    """Return a route in the format of a list."""
    found = {"alias": alias or f"route-{number}", "route_type": "host", "value": "198.51.100.11"} | values
    return {"type": "route", "id": number, "attributes": found}


def test_numbers_are_listed_with_their_routes(carrier: FlowrouteCarrier, script: Script) -> None:
    """If the list has no routes, as documented by the vendor, they are read number by number."""
    script.answers[NUMBERS] = recorded("numbers")
    for number in ("12065550100", "13125550101"):
        script.answers[f"{NUMBERS}/{number}"] = recorded(f"number-{number}")

    frame = carrier.numbers()

    assert ["12065550100", "13125550101"] == list(frame["number"])
    assert ["", "Front desk"] == list(frame["alias"])
    assert ["0", "98396"] == list(frame["route_id"])
    assert ["", "98397"] == list(frame["failover_route_id"])


def test_a_list_that_has_the_routes_is_enough(carrier: FlowrouteCarrier, script: Script) -> None:
    """If the list has the routes, no second request is sent; nested items are accepted."""
    points = {"primary_route": {"data": None}}
    item = {"type": "number", "id": "12065550100", "attributes": {}, "relationships": points}
    script.answers[NUMBERS] = listed({"data": item})

    assert [("12065550100", "")] == list(carrier.numbers()[["number", "route_id"]].itertuples(index=False, name=None))
    assert len(script.sent) == 1


@pytest.mark.parametrize(
    "detail",
    [
        {"id": "12065550100", "attributes": {}},
        {"id": "12065550100", "attributes": {}, "relationships": {"failover_route": {"data": None}}},
        {"id": "12065550100", "attributes": {}, "relationships": {"primary_route": {"data": {"type": "route"}}}},
        {"attributes": {}},
        None,
    ],
)
def test_a_number_that_does_not_say_where_it_points_is_an_error(
    detail: Any, carrier: FlowrouteCarrier, script: Script, fails: Fails
) -> None:
    """An unassigned number has null; a missing field is an error."""
    script.answers[NUMBERS] = recorded("numbers")
    script.answers[f"{NUMBERS}/12065550100"] = Reply({"data": detail})
    script.answers[f"{NUMBERS}/13125550101"] = recorded("number-13125550101")

    assert "12065550100" in fails(CarrierAnswerError, carrier.numbers)


def test_route_ids_become_text(carrier: FlowrouteCarrier, script: Script) -> None:
    """Numeric and text ids become text, and the PoP is read from either of the vendor's two field names."""
    script.answers[ROUTES] = recorded("routes")

    frame = carrier.routes()

    assert ["0", "98396", "98397"] == list(frame["route_id"])
    assert ["", "198.51.100.12:5060", "198.51.100.70"] == list(frame["value"])
    assert ["", "4", "2"] == list(frame["edge_strategy_id"])


def test_edges_give_networks_to_let_in(carrier: FlowrouteCarrier, script: Script) -> None:
    """A range that the carrier lists twice, in two notations, occurs once."""
    script.answers[f"{ROUTES}/edge_strategies"] = recorded("edges")

    frame = carrier.edges()

    assert ["34.226.36.32/28", "34.210.91.112/28"] == list(frame["ranges"])
    assert ["us-east-va.sip.flowroute.com", "us-west-or.sip.flowroute.com"] == list(frame["host"])


@pytest.mark.parametrize(
    ("rules", "networks"),
    [
        ("", ""),
        ("198.51.100.4-198.51.100.7", "198.51.100.4/30"),
        ("198.51.100.4 - 198.51.100.6; 203.0.113.9", "198.51.100.4/31, 198.51.100.6/32, 203.0.113.9/32"),
        ("198.51.100.9-198.51.100.1, ask support", ""),
    ],
)
def test_firewall_rules_become_networks(rules: str, networks: str) -> None:
    """Firewall rules become networks that a PBX can allow."""
    assert networks == networks_of(rules)


def test_empty_lists_keep_their_contract(carrier: FlowrouteCarrier, script: Script) -> None:
    """An empty account gives frames with all columns and no rows."""
    for path in (NUMBERS, ROUTES, f"{ROUTES}/edge_strategies"):
        script.answers[path] = listed()

    assert {0} == {len(frame) for frame in (carrier.numbers(), carrier.routes(), carrier.edges())}


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"data": ["x"]}, {"data": [{"id": None}]}])
def test_invalid_list_is_an_error(body: Any, carrier: FlowrouteCarrier, script: Script, fails: Fails) -> None:
    """An unexpected answer is an error, never an empty table."""
    script.answers[ROUTES] = Reply(body)

    assert ROUTES in fails(CarrierAnswerError, carrier.routes)


def test_a_route_without_a_type_is_an_error(carrier: FlowrouteCarrier, script: Script, fails: Fails) -> None:
    """A required field missing in one of many rows is an error."""
    script.answers[ROUTES] = listed(route(1), route(2, route_type=None))

    assert "route_type" in fails(CarrierAnswerError, carrier.routes)


def test_pages_are_counted_here(carrier: FlowrouteCarrier, script: Script) -> None:
    """Pages have 200 items by offset; ``links.next`` on a foreign host indicates more pages and is never followed."""

    def page(request: requests.PreparedRequest) -> Reply:
        offset = int(str(request.url).rpartition("offset=")[2])
        return listed(*map(route, range(offset, min(offset + 200, 450))), next="http://evil.example/v2/routes?offset=9")

    script.answers[ROUTES] = page

    assert 450 == len(carrier.routes())
    assert [f"{ROUTES}?limit=200&offset={n}" for n in (0, 200, 400, 450)] == script.lines


def test_short_page_with_next_link_is_not_the_last(carrier: FlowrouteCarrier, script: Script) -> None:
    """A page smaller than the limit is not the last one if the carrier indicates more."""
    script.answers[ROUTES] = [listed(route(1), next="http://cdr-api/x"), listed(route(2), next=None)]

    assert ["1", "2"] == list(carrier.routes()["route_id"])
    assert "offset=1" in script.lines[1]


def test_a_full_last_page_is_followed_by_one_more_request(carrier: FlowrouteCarrier, script: Script) -> None:
    """Without ``links.next``, only a short or empty page is the last one."""
    script.answers[ROUTES] = [listed(*map(route, range(200))), listed()]

    assert 200 == len(carrier.routes())


def test_a_page_that_repeats_is_an_error(carrier: FlowrouteCarrier, script: Script, fails: Fails) -> None:
    """A carrier that ignores the offset would cause an endless loop or an incomplete result."""
    script.answers[ROUTES] = listed(*map(route, range(200)))

    assert "repeats itself" in fails(CarrierAnswerError, carrier.routes)
    assert 2 == len(script.sent)


def test_item_repeated_across_pages_occurs_once(carrier: FlowrouteCarrier, script: Script) -> None:
    """If a route is added during reading, a repeated item occurs once."""
    script.answers[ROUTES] = [listed(*map(route, range(200))), listed(route(199), route(200))]

    assert 201 == len(carrier.routes())


def test_a_route_is_created_as_planned(carrier: FlowrouteCarrier, script: Script) -> None:
    """The request contains alias, type and value only."""
    script.answers["POST /v2/routes"] = Reply({"data": route(7)}, 201)

    carrier.apply(CreateRoute(alias="denver", value="198.51.100.24"))

    attributes = {"alias": "denver", "route_type": "host", "value": "198.51.100.24"}
    assert [{"data": {"type": "route", "attributes": attributes}}] == script.bodies("POST")


@pytest.mark.parametrize(("alias", "there"), [("denver", True), ("boston", False)])
def test_a_creation_whose_answer_was_lost_is_looked_for(
    alias: str, there: bool, carrier: FlowrouteCarrier, script: Script, fails: Fails
) -> None:
    """After a lost answer, an existing route is success; otherwise an error is raised without a second POST."""
    script.answers["POST /v2/routes"] = requests.ReadTimeout()
    script.answers[ROUTES] = listed(route(7, alias, value="198.51.100.24"))
    change = CreateRoute(alias="denver", value="198.51.100.24")

    if there:
        carrier.apply(change)
    else:
        fails(CarrierUnavailableError, lambda: carrier.apply(change))

    assert len(script.bodies("POST")) == 1


def test_an_alias_that_is_taken_is_refused(carrier: FlowrouteCarrier, script: Script, fails: Fails) -> None:
    """The carrier's error text is passed on to the operator."""
    script.answers["POST /v2/routes"] = error(422, "Alias exists")

    assert "Alias exists" in fails(CarrierRefusedError, lambda: carrier.apply(CreateRoute(alias="a", value="b")))


def test_a_route_is_deleted_by_its_alias(carrier: FlowrouteCarrier, script: Script, fails: Fails) -> None:
    """A route is identified by alias here and by id at the carrier; 403 while numbers use it."""
    script.answers[ROUTES] = recorded("routes")
    script.answers["DELETE /v2/routes/98397"] = [Reply(b"", 204), error(403, "Route is in use")]
    change = DeleteRoute(alias="dallas", value="198.51.100.70")

    carrier.apply(change)

    assert "in use" in fails(CarrierRefusedError, lambda: carrier.apply(change))


@pytest.mark.parametrize(("alias", "number"), [("chicago", "98396"), ("sip-reg", "0")])
def test_a_number_is_pointed_at_the_route_of_an_alias(
    alias: str, number: str, carrier: FlowrouteCarrier, script: Script
) -> None:
    """``sip-reg`` is route 0 of every account."""
    path = "/v2/numbers/12065550100/relationships/primary_route"
    script.answers[ROUTES] = recorded("routes")
    script.answers[f"PATCH {path}"] = Reply(b"", 204)

    carrier.apply(RouteNumber(number="12065550100", to_alias=alias, was_alias=""))

    assert [{"data": {"type": "route", "id": number}}] == script.bodies("PATCH")


def test_a_number_is_unassigned(carrier: FlowrouteCarrier, script: Script) -> None:
    """Unassigning a number deletes the relationship."""
    path = "/v2/numbers/12065550100/relationships/primary_route"
    script.answers[f"DELETE {path}"] = Reply(b"", 204)

    carrier.apply(RouteNumber(number="12065550100", to_alias="", was_alias="chicago"))

    assert [f"DELETE {path}"] == script.lines


@pytest.mark.parametrize(
    ("alias", "kind"), [("nowhere", CarrierRefusedError), ("", CarrierRefusedError), ("twice", CarrierAnswerError)]
)
def test_an_alias_must_name_one_route(
    alias: str, kind: type[Exception], carrier: FlowrouteCarrier, script: Script, fails: Fails
) -> None:
    """If no route or two routes have the alias, nothing is changed."""
    script.answers[ROUTES] = listed(
        route(1, "twice"), route(2, "twice"), {"id": 3, "attributes": {"route_type": "host"}}
    )

    fails(kind, lambda: carrier.apply(DeleteRoute(alias=alias, value="x")))

    assert [] == [line for line in script.lines if not line.startswith("GET")]


def test_unavailable_carrier_fails_the_whole_read(carrier: FlowrouteCarrier, script: Script, fails: Fails) -> None:
    """One unreadable number fails the whole read, so that no table is incomplete."""
    script.answers[NUMBERS] = recorded("numbers")
    script.answers[f"{NUMBERS}/12065550100"] = recorded("number-12065550100")
    script.answers[f"{NUMBERS}/13125550101"] = never_connected()

    assert "13125550101" in fails(CarrierUnavailableError, carrier.numbers)
