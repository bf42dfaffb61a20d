"""Numbers, routes and their errors, in the vendor's format."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.emulator.conftest import Client
from tests.texts import golden

JSON_API = "application/vnd.api+json"
NUMBER = "12065550100"
NO_ROUTE = {"data": {"type": "route", "id": "7"}}


def refusal(answer: Any) -> tuple[int, str]:
    """Return status and detail of an error answer, which must have the vendor's format."""
    assert answer.headers["content-type"].startswith(JSON_API)
    (fault,) = answer.json()["errors"]
    uuid.UUID(fault["id"])
    assert (answer.status_code, True) == (fault["status"], bool(fault["title"]))
    return answer.status_code, fault["detail"]


def new_route(alias: str, value: str = "192.0.2.1", route_type: str = "host", **more: Any) -> dict[str, Any]:
    """Return the body that creates a route."""
    attributes = {"alias": alias, "route_type": route_type, "value": value, **more}
    return {"data": {"type": "route", "attributes": attributes}}


def test_lists_are_paged(api: Client) -> None:
    """Pages have ten items by default and at most 200, each item once; links name an unreachable host."""
    first = api("GET", "/v2/numbers").json()
    second = api("GET", "/v2/numbers", params={"offset": 10}).json()

    assert (10, True) == (len(first["data"]), first["links"]["next"].startswith("http://cdr-api/v2/numbers?"))
    assert "next" not in second["links"]
    ids = [item["id"] for page in (first, second) for item in page["data"]]
    assert sorted(set(ids)) == ids == [item["id"] for item in api.data("/v2/numbers", limit=200)]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"starts_with": "1206"}, 4),
        ({"contains": "555013"}, 2),
        ({"ends_with": "0100"}, 1),
        ({"starts_with": "1206", "ends_with": "3"}, 1),
        ({"starts_with": "44"}, 0),
    ],
)
def test_numbers_are_filtered(api: Client, params: dict[str, str], expected: int) -> None:
    """Filters for start, middle and end of a number work alone and combined."""
    assert expected == len(api.data("/v2/numbers", limit=200, **params))


def test_number_names_its_routes(api: Client) -> None:
    """Relationships name the routes, and ``included`` describes them."""
    body = api("GET", "/v2/numbers/13125550110").json()
    routes = {route["id"]: route["attributes"]["alias"] for route in body["included"]}
    points = {name: target["data"] for name, target in body["data"]["relationships"].items()}

    assert ["Chicago", "Dallas"] == [routes[points[name]["id"]] for name in ("primary_route", "failover_route")]


def test_an_alias_is_changed(api: Client) -> None:
    """The alias of a number is text or null."""
    for alias in ("New name", None):
        body = {"data": {"type": "number", "id": NUMBER, "attributes": {"alias": alias}}}
        answer = api("PATCH", f"/v2/numbers/{NUMBER}", json=body)
        assert (200, alias) == (answer.status_code, answer.json()["data"]["attributes"]["alias"])


def test_a_number_is_pointed_elsewhere_and_back(api: Client) -> None:
    """Primary and failover routes are set and removed separately, each with 204 and no body."""
    number = "12065550103"
    made = api("POST", "/v2/routes", json=new_route("Spare"))
    route = made.json()["data"]["id"]
    for name in ("primary_route", "failover_route"):
        path = f"/v2/numbers/{number}/relationships/{name}"
        answer = api("PATCH", path, json={"data": {"type": "route", "id": route}})
        assert (204, b"") == (answer.status_code, answer.content)
        pointed = api.data(f"/v2/numbers/{number}")["relationships"][name]["data"]
        assert pointed == {"type": "route", "id": route}
        assert (204, b"") == (api("DELETE", path).status_code, answer.content)
        assert api.data(f"/v2/numbers/{number}")["relationships"][name]["data"] is None


def test_routes_are_created_changed_and_deleted(api: Client) -> None:
    """A route is created with 201, changed, listed by type, deleted with 204, and missing with 404."""
    made = api("POST", "/v2/routes", json=new_route("Lab", "sip:x@192.0.2.7:5062;transport=tls", "uri"))
    route = made.json()["data"]["id"]
    changed = api(
        "PATCH",
        f"/v2/routes/{route}",
        json={"data": {"type": "route", "attributes": {"alias": "Lab 2", "edge_strategy_id": 4}}},
    )

    assert (201, 200) == (made.status_code, changed.status_code)
    assert ("Lab 2", "4") == tuple(changed.json()["data"]["attributes"][k] for k in ("alias", "edge_strategy_id"))
    assert [route] == [item["id"] for item in api.data("/v2/routes", route_type="uri")]
    assert [204, 404] == [api("DELETE", f"/v2/routes/{route}").status_code for _ in range(2)]


def test_sip_registration_is_always_there(api: Client) -> None:
    """Route 0 is SIP registration; it can be neither changed nor deleted."""
    (item,) = api.data("/v2/routes", route_type="sip-reg")

    assert ("0", "sip-reg") == (item["id"], item["attributes"]["route_type"])
    assert refusal(api("DELETE", "/v2/routes/0"))[0] == 403
    body = {"data": {"type": "route", "attributes": {"alias": "mine"}}}
    assert refusal(api("PATCH", "/v2/routes/0", json=body))[0] == 403


def test_a_route_in_use_is_kept(api: Client) -> None:
    """Deleting a route in use is refused, and the error names one of its numbers."""
    route = next(item["id"] for item in api.data("/v2/routes") if item["attributes"]["alias"] == "Chicago")

    assert refusal(api("DELETE", f"/v2/routes/{route}")) == (
        403,
        golden("emulator.numbers_point_at"),
    )


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (new_route("Seattle"), 422, "alias"),
        (new_route("x", "not a host!"), 422, "value"),
        (new_route("x", "2065550100", "number"), 422, "11 digits"),
        (new_route("x", "somewhere", "uri"), 422, "protocol:user@domain"),
        (new_route("x", "1", "sip-reg"), 422, "route_type"),
        (new_route("x", edge_strategy_id=99), 422, "edge strategy 99"),
        ({"data": {"type": "number", "attributes": {}}}, 422, "type"),
        ([], 422, "body"),
    ],
)
def test_wrong_routes_are_refused(api: Client, body: Any, status: int, words: str) -> None:
    """The detail names the field."""
    code, detail = refusal(api("POST", "/v2/routes", json=body))

    assert (status, True) == (code, words in detail), detail


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/v2/numbers", {"auth": None}, 401),
        ("GET", "/v2/numbers", {"auth": ("a", "b")}, 401),
        ("GET", "/v2/numbers/19995550100", {}, 404),
        ("GET", "/v2/nothing", {}, 404),
        ("PUT", "/v2/numbers", {}, 405),
        ("POST", "/v2/routes", {"data": "<x/>", "headers": {"Content-Type": "text/xml"}}, 415),
        ("POST", "/v2/routes", {"data": "{", "headers": {"Content-Type": JSON_API}}, 400),
        ("GET", "/v2/numbers", {"params": {"limit": 201}}, 422),
        ("GET", "/v2/numbers", {"params": {"limit": 0}}, 422),
        ("GET", "/v2/numbers", {"params": {"offset": -1}}, 422),
        ("GET", "/v2/routes", {"params": {"route_type": "HOST"}}, 422),
        (
            "PATCH",
            f"/v2/numbers/{NUMBER}/relationships/primary_route",
            {"json": {"data": {"type": "route", "id": "7"}}},
            404,
        ),
    ],
)
def test_errors_have_one_shape(api: Client, method: str, path: str, more: dict[str, Any], status: int) -> None:
    """Every error answer is one error object with id, status, title and detail."""
    assert status == refusal(api(method, path, **more))[0]


def test_edge_strategies_name_the_networks_to_let_in(api: Client) -> None:
    """Each PoP has a host and the ranges that a PBX's firewall must accept."""
    found = {item["attributes"]["name"]: item for item in api.data("/v2/routes/edge_strategies")}

    assert found["US-East-VA"]["id"] == "4"
    assert found["US-East-VA"]["attributes"]["naptr"] == "us-east-va.sip.flowroute.com"
    assert found["US-East-VA"]["attributes"]["firewall_rules"] == "34.226.36.32/28"
