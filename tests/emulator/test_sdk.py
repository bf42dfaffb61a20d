"""
Requests of the vendor's Python SDK and its demos, byte for byte, and the fields they read from the answers.

Source: the repository ``flowroute-sdk-v3-python`` of the vendor. The SDK is in no package index, so its calls are
written out here, with its habits: bodies encoded as JSON twice, bodies without a content type, no paging. Every method
of its controllers for numbers, routes and CDRs is covered: the account is offered no numbers, so those lists are empty
and a purchase is refused. Every method of its controllers for messages, CNAM, E911 and porting is refused by name.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.emulator.conftest import Client
from tests.texts import golden
from tests.waiting import WAIT_S, until

ACCEPT = {"accept": "application/json"}
CREATE = {"content-type": "application/json; charset=utf-8"}
EXPORT = {"Accept": "application/vnd.api+json", "Content-Type": "application/vnd.api+json"}


class Wire:
    """Client that sends the SDK's requests, records the traffic, and fails on 400 and above, as the SDK does."""

    def __init__(self, api: Client) -> None:
        self.session = requests.Session()
        self.session.auth = api.key
        self.origin = api.running.url
        self.sent: list[requests.PreparedRequest] = []

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        """Return the JSON of the answer; ``None`` for an empty one."""
        answer = self.ask(method, path, **more)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Return the answer, whatever its status."""
        answer = self.session.request(method, self.origin + path, timeout=WAIT_S, **more)
        self.sent.append(answer.request)
        return answer


@pytest.fixture
def sdk(api: Client) -> Iterator[Wire]:
    """Return a client that behaves as the SDK."""
    wire = Wire(api)
    with wire.session:
        yield wire


def relation(route: str) -> str:
    """Return the body that routes a number, as the demo writes it."""
    return '{   "data": {     "type": "route",     "id": "' + route + '"   } }'


def test_the_demo_of_numbers_and_routes_runs(sdk: Wire) -> None:
    """The demo runs from listing numbers to routing the first one to the second and third route of the list."""
    listed = sdk("GET", "/v2/numbers?limit=3", headers=ACCEPT)
    number = listed["data"][0]["id"]
    assert 3 == len(listed["data"])
    before = sdk("GET", f"/v2/numbers/{number}", headers=ACCEPT)
    assert (number, number) == (before["data"]["id"], before["data"]["attributes"]["value"])

    named = {"type": "number", "alias": "New Test"}
    sdk("PATCH", f"/v2/numbers/{number}", headers=ACCEPT, data=json.dumps(named))
    assert "Content-Type" not in sdk.sent[-1].headers
    after = sdk("GET", f"/v2/numbers/{number}", headers=ACCEPT)
    assert "New Test" == after["data"]["attributes"]["alias"]

    assert "1" in {edge["id"] for edge in sdk("GET", "/v2/routes/edge_strategies")["data"]}

    typed = (
        '{   "data": {     "type": "route",     "attributes": {       "route_type": "host",'
        '       "value": "x1y2.example.com",       "alias": "x1y2z30123456789",       "edge_strategy": "1"     }   } }'
    )
    made = sdk("POST", "/v2/routes", headers=CREATE, data=json.dumps(typed))
    assert str(sdk.sent[-1].body).startswith('"{')
    assert made["data"]["attributes"] == {
        "route_type": "host",
        "value": "x1y2.example.com",
        "alias": "x1y2z30123456789",
        "edge_strategy_id": "1",
    }

    routes = sdk("GET", "/v2/routes?limit=10")
    primary = routes["data"][1]["id"]
    failover = routes["data"][2]["id"]
    for name, route in (("primary_route", primary), ("failover_route", failover)):
        assert sdk("PATCH", f"/v2/numbers/{number}/relationships/{name}", data=relation(route)) is None
        assert "Content-Type" not in sdk.sent[-1].headers
    points = sdk("GET", f"/v2/numbers/{number}", headers=ACCEPT)["data"]["relationships"]
    assert [primary, failover] == [points[name]["data"]["id"] for name in ("primary_route", "failover_route")]


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        {"type": "number", "alias": "Front Desk"},
        {"type": "number", "id": None, "alias": "Front Desk"},
        {"data": {"type": "number", "attributes": {"alias": "Front Desk"}}},
    ],
)
def test_both_forms_of_an_alias_are_taken(sdk: Wire, body: dict[str, Any], *, twice: bool) -> None:
    """``set_did_alias`` sends the bare alias, the vendor's page a document; both work, encoded once or twice."""
    number = sdk("GET", "/v2/numbers?limit=1", headers=ACCEPT)["data"][0]["id"]
    before = sdk("GET", f"/v2/numbers/{number}", headers=ACCEPT)["data"]["attributes"]["alias"]
    text = json.dumps(json.dumps(body)) if twice else json.dumps(body)

    answer = sdk("PATCH", f"/v2/numbers/{number}", headers=ACCEPT, data=text)

    assert "Front Desk" == answer["data"]["attributes"]["alias"]
    sdk("PATCH", f"/v2/numbers/{number}", headers=ACCEPT, data=json.dumps({"type": "number", "alias": before}))
    assert before == sdk("GET", f"/v2/numbers/{number}", headers=ACCEPT)["data"]["attributes"]["alias"]


@pytest.mark.parametrize(
    "path",
    [
        "/v2/numbers",
        "/v2/numbers?limit=3&offset=1",
        "/v2/routes",
        "/v2/routes?limit=10&offset=1",
        "/v2/routes/edge_strategies",
        "/v2/cdrs/exports",
        "/v2/cdrs/exports?limit=10&offset=0",
        "/v2/cdrs/exports?status=processing",
        "/v2/cdrs/exports?status=completed",
        "/v2/cdrs/exports?status=failed",
    ],
)
def test_every_list_of_the_sdk_is_read(sdk: Wire, path: str) -> None:
    """Lists are read with and without the headers of the SDK's methods; omitted arguments are not in the query."""
    for headers in (None, ACCEPT):
        assert isinstance(sdk("GET", path, headers=headers)["data"], list)


def test_an_export_without_a_callback_is_taken(sdk: Wire) -> None:
    """``create_cdr_export`` omits the callback if none is given; the job can be read by its id."""
    filters = {"start_call_start_time": "2019-01-01 00:00:00", "start_call_end_time": "2019-02-01 00:00:00"}
    body = json.dumps({"data": {"type": "cdrexport", "attributes": {"filter_parameters": filters}}})

    made = sdk("POST", "/v2/cdrs/exports", headers=EXPORT, data=body)["data"]

    assert made["id"] == str(sdk("GET", f"/v2/cdrs/exports/{made['id']}")["data"]["id"])


@pytest.mark.parametrize(
    ("query", "keep"),
    [
        ("starts_with=1206", lambda number: number.startswith("1206")),
        ("contains=55501", lambda number: "55501" in number),
        ("ends_with=00", lambda number: number.endswith("00")),
        ("starts_with=1206&ends_with=1&contains=555", lambda number: number.startswith("1206") and number[-1] == "1"),
    ],
)
def test_filters_of_numbers_arrive(sdk: Wire, query: str, keep: Any) -> None:
    """Filters are applied; omitted arguments are not in the query."""
    everything = [item["id"] for item in sdk("GET", "/v2/numbers?limit=200", headers=ACCEPT)["data"]]
    found = [item["id"] for item in sdk("GET", f"/v2/numbers?{query}&limit=200", headers=ACCEPT)["data"]]

    assert [number for number in everything if keep(number)] == found != []


def test_the_demo_of_exports_runs(sdk: Wire) -> None:
    """The demo's dates are years old and have no time zone, and its filter names aliases; the job is created anyway."""
    filters = {
        "start_call_start_time": "2019-01-01 00:00:00",
        "start_call_end_time": "2019-02-01 00:00:00",
        "number_aliases": ["Office 221", "Office 888"],
    }

    made = export(sdk, filters)

    assert ("cdrexport", "processing") == (made["type"], made["attributes"]["status"])
    assert "https://example.com/cdrs" == made["attributes"]["callback_url"]
    assert made["id"] == str(sdk("GET", "/v2/cdrs/exports?limit=10")["data"][0]["data"]["id"])


def test_an_export_is_downloaded_as_the_demo_does(sdk: Wire, tmp_path: Path) -> None:
    """The first completed job's link returns gzip without a key, with the columns that the demo prints."""
    now = datetime.now(UTC)
    filters = {
        "start_call_start_time": f"{now - timedelta(days=29):%Y-%m-%d} 00:00:00",
        "start_call_end_time": f"{now + timedelta(days=1):%Y-%m-%d} 00:00:00",
    }
    made = export(sdk, filters)

    def completed() -> list[Any]:
        data: list[Any] = sdk("GET", "/v2/cdrs/exports?limit=10&status=completed")["data"]
        return data

    until(lambda: made["id"] in {str(item["data"]["id"]) for item in completed()})
    number = completed()[0]["data"]["id"]
    assert made["id"] == str(number)

    link = sdk("GET", f"/v2/cdrs/exports/{number}")["data"]["attributes"]["download_url"]
    file = tmp_path / "temp_cdr_file.csv"
    file.write_bytes(gzip.decompress(requests.get(link, timeout=WAIT_S).content))

    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) > 100
    for row in rows:
        assert "" not in [row[name] for name in ("callerid", "destination", "total_cost", "start_time")]


def export(sdk: Wire, filters: dict[str, Any]) -> Any:
    """Request an export with the SDK's headers, and return the job."""
    attributes = {"filter_parameters": filters, "callback_url": "https://example.com/cdrs"}
    body = json.dumps({"data": {"type": "cdrexport", "attributes": attributes}})
    return sdk("POST", "/v2/cdrs/exports", headers=EXPORT, data=body)["data"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v2/numbers/available/areacodes", None),
        ("/v2/numbers/available/areacodes?limit=400&offset=1&max_setup_cost=3.25", None),
        ("/v2/numbers/available/exchanges", None),
        ("/v2/numbers/available/exchanges?limit=3&offset=0&max_setup_cost=5&areacode=347", None),
        ("/v2/numbers/available", ACCEPT),
        ("/v2/numbers/available?starts_with=646&contains=3&ends_with=7&limit=3&offset=0", ACCEPT),
        ("/v2/numbers/available?limit=3&rate_center=nwyrcyzn01&state=ny", ACCEPT),
    ],
)
def test_no_number_is_for_sale(sdk: Wire, path: str, headers: dict[str, str] | None) -> None:
    """``list_available_area_codes``, ``list_available_exchange_codes`` and ``search_for_purchasable_phone_numbers``."""
    answer = sdk("GET", path, headers=headers)

    assert [] == answer["data"]
    assert ["self"] == list(answer["links"])


@pytest.mark.parametrize("number", ["12065550142", "12065550100"])
def test_a_purchase_is_refused(sdk: Wire, number: str) -> None:
    """
    ``purchase_a_phone_number`` has no body and is refused.

    The account's numbers do not change, even if it already owns the number.
    """
    before = sdk("GET", "/v2/numbers?limit=200", headers=ACCEPT)

    answer = sdk.ask("POST", f"/v2/numbers/{number}", headers=ACCEPT)

    assert golden("emulator.not_for_sale", number=number) in refused(answer)
    assert before == sdk("GET", "/v2/numbers?limit=200", headers=ACCEPT)


DID = "12065550100"
ADDRESS = {
    "label": "Office",
    "first_name": "Ada",
    "last_name": "Example",
    "street_name": "Example St",
    "street_number": "1",
    "city": "Seattle",
    "state": "WA",
    "country": "USA",
    "zip": "98101",
}
JSON_API = {"accept": "application/vnd.api+json"}
TYPED = JSON_API | {"content-type": "application/vnd.api+json; charset=utf-8"}
MESSAGE = {"to": "12065550142", "from": DID, "body": "Hello"}
SENT_MESSAGE = {"headers": TYPED, "data": json.dumps({"data": {"type": "message", "attributes": MESSAGE}})}
CALLBACK = {"headers": TYPED, "data": json.dumps({"data": {"attributes": {"callback_url": "https://example.com/"}}})}
SENT_ADDRESS = {"headers": JSON_API, "data": json.dumps({"data": {"type": "e911", "attributes": ADDRESS}})}
ABSENT: list[tuple[str, str, str, dict[str, Any]]] = [
    ("messages", "GET", "/v2.1/messages?start_date=2026-11-01T00%3A00%3A00&limit=10&offset=0", {"headers": ACCEPT}),
    ("messages", "GET", "/v2.1/messages/mdr2-0123456789abcdef", {"headers": ACCEPT}),
    ("messages", "POST", "/v2.1/messages", SENT_MESSAGE),
    ("messages", "PUT", "/v2.1/messages/sms_callback", CALLBACK),
    ("messages", "PUT", "/v2.1/messages/mms_callback", CALLBACK),
    ("messages", "PUT", "/v2.1/messages/dlr_callback", CALLBACK),
    ("messages", "POST", f"/v2/numbers/{DID}/relationships/dlr_callback", CALLBACK),
    ("CNAM records", "GET", "/v2/cnams?limit=10&offset=0&is_approved=True", {}),
    ("CNAM records", "GET", "/v2/cnams", {}),
    ("CNAM records", "GET", "/v2/cnams/17604", {}),
    ("CNAM records", "POST", "/v2/cnams", {"headers": ACCEPT, "data": {"value": "EXAMPLE"}}),
    ("CNAM records", "PATCH", f"/v2/numbers/{DID}/relationships/cnam/17604", {"headers": ACCEPT}),
    ("CNAM records", "DELETE", f"/v2/numbers/{DID}/relationships/cnam", {"headers": ACCEPT}),
    ("CNAM records", "DELETE", "/v2/cnams/17604", {"headers": ACCEPT}),
    ("E911 records", "GET", "/v2/e911s?limit=10&offset=0&state=WA", {}),
    ("E911 records", "GET", "/v2/e911s/20930", {}),
    ("E911 records", "POST", "/v2/e911s/validate", SENT_ADDRESS),
    ("E911 records", "POST", "/v2/e911s", SENT_ADDRESS),
    ("E911 records", "PATCH", "/v2/e911s/20930", SENT_ADDRESS),
    ("E911 records", "DELETE", "/v2/e911s/20930", {"headers": JSON_API}),
    ("E911 records", "PATCH", f"/v2/numbers/{DID}/relationships/e911s/20930", {"headers": JSON_API}),
    ("E911 records", "DELETE", f"/v2/numbers/{DID}/relationships/e911s", {"headers": JSON_API}),
    ("E911 records", "GET", "/v2/e911s/20930/relationships/numbers", {}),
    (
        "port orders",
        "POST",
        "/v2/portorders/portability",
        {"headers": ACCEPT, "data": {"numbers": ["+12065550142", "+12065550143"]}},
    ),
]
"""Each request of the controllers that the emulator lacks; a dict is sent as a form, as in the SDK."""


@pytest.mark.parametrize(
    ("what", "method", "path", "more"), ABSENT, ids=lambda one: one if isinstance(one, str) else ""
)
def test_what_the_emulator_does_not_have_is_refused_by_name(
    sdk: Wire, what: str, method: str, path: str, more: dict[str, Any]
) -> None:
    """The SDK maps 404 to its own error; the message lists the available resources, only to a client with the key."""
    assert golden("emulator.has_no", what=what) in refused(sdk.ask(method, path, **more))
    without = sdk.ask(method, path, auth=("one", "two"), **more)
    assert (401, "Unauthorized") == (without.status_code, without.json()["errors"][0]["title"])


def test_the_readme_names_what_the_emulator_does_not_have() -> None:
    """The readme uses the same names as the refusals."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()

    for what in {what for what, *_ in ABSENT}:
        assert what in readme


def refused(answer: requests.Response) -> str:
    """Return the message of a 404 in the vendor's format."""
    assert 404 == answer.status_code, answer.text
    assert "application/vnd.api+json" == answer.headers["Content-Type"]
    (fault,) = answer.json()["errors"]
    assert {"id", "status", "title", "detail"} == fault.keys()
    assert (404, "Not Found") == (fault["status"], fault["title"])
    return str(fault["detail"])
