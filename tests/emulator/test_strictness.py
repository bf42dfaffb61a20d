"""Invalid input: refused with a message, or answered as in the vendor's samples."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from dashboard.emulator.lifecycle import process
from tests.emulator.conftest import Client
from tests.texts import golden
from tests.waiting import WAIT_S, until

EXPORTS = "/v2/cdrs/exports"
ROUTES = "/v2/routes"
JSON_API = {"Content-Type": "application/vnd.api+json"}
NUMBER = "12065550100"
WINDOW = {"start_call_start_time": "2019-01-01 00:00:00", "start_call_end_time": "2019-01-02 00:00:00"}


def detail(answer: requests.Response, status: int) -> str:
    """Return the message of a refusal with the expected status."""
    assert status == answer.status_code, answer.text
    (fault,) = answer.json()["errors"]
    found: str = fault["detail"]
    return found


def export(api: Client, **filters: Any) -> requests.Response:
    """Request an export of a day without calls."""
    attributes = {"filter_parameters": WINDOW | filters}
    return api("POST", EXPORTS, json={"data": {"type": "cdrexport", "attributes": attributes}})


def route(api: Client, **attributes: Any) -> requests.Response:
    """Create a route."""
    return api("POST", ROUTES, json={"data": {"type": "route", "attributes": attributes}})


def changed(api: Client, number: str, **attributes: Any) -> requests.Response:
    """Change a route."""
    return api("PATCH", f"{ROUTES}/{number}", json={"data": {"type": "route", "attributes": attributes}})


@pytest.fixture
def made(api: Client) -> Any:
    """Return a route that is removed after the test."""
    item = route(api, alias="Strict", route_type="host", value="192.0.2.9").json()["data"]
    yield item
    api("DELETE", f"{ROUTES}/{item['id']}")


@pytest.mark.parametrize(
    ("route_type", "value"),
    [
        ("host", "192.0.2.1\n"),
        ("host", "192.0.2.1:0"),
        ("host", "192.0.2.1:65536"),
        ("host", "999.1.1.1"),
        ("host", "1.2.3"),
        ("host", "010.1.2.3"),
        ("host", "192.0.2.1;transport=carrier-pigeon"),
        ("number", "12065550100\n"),
        ("uri", "sip:u@pbx.example.net\n"),
        ("uri", "http:u@pbx.example.net"),
        ("uri", "sip:u@999.1.1.1"),
        ("uri", "sip:u@pbx.example.net;transport=sctp"),
    ],
)
def test_a_value_that_cannot_be_reached_is_refused(api: Client, route_type: str, value: str) -> None:
    """A value to which the carrier could not send a call is refused."""
    sentence = detail(route(api, alias="never", route_type=route_type, value=value), 422)

    assert sentence.startswith(golden("emulator.route_takes", route_type=route_type))


@pytest.mark.parametrize(
    ("route_type", "value"),
    [
        ("host", "192.0.2.1:65535"),
        ("host", "pbx1.example.net;transport=tls"),
        ("host", "192.0.2.1:5062;transport=tcp;weight=10"),
        ("uri", "sips:u@pbx.example.net:5061;transport=tls"),
    ],
)
def test_a_documented_value_is_taken(api: Client, route_type: str, value: str) -> None:
    """Ports, transports and weights are part of the documented format."""
    answer = route(api, alias="Documented", route_type=route_type, value=value)
    item = answer.json()["data"]

    assert (201, value) == (answer.status_code, item["attributes"]["value"])
    assert 204 == api("DELETE", f"{ROUTES}/{item['id']}").status_code


def test_a_change_of_a_route_is_never_half_done(api: Client, made: dict[str, Any]) -> None:
    """Type and value must match; the PoP may be named by either of its two documented fields."""
    number = made["id"]

    assert "type number" in detail(changed(api, number, route_type="number"), 422)
    assert "type host" in detail(changed(api, number, alias="Other", value="no host!"), 422)
    assert 422 == changed(api, number, route_type="sip-reg").status_code
    listed = {item["id"]: item["attributes"] for item in api.data(ROUTES, limit=200)}
    assert made["attributes"] == listed[number]
    whole = changed(api, number, route_type="number", value="12065550199", edge_strategy="US-East-VA").json()["data"]
    assert whole["attributes"] == {
        "alias": "Strict",
        "route_type": "number",
        "value": "12065550199",
        "edge_strategy_id": "4",
    }


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"destination_numbers": []}, "destination_numbers"),
        ({"custom_x_tag": []}, "custom_x_tag"),
        ({"caller_ip": "somewhere"}, "caller_ip"),
        ({"caller_ip": "198.51.100.0/24"}, "caller_ip"),
        ({"start_call_start_time": 1}, "as text"),
        ({"start_call_end_time": True}, "as text"),
        ({"\u0000": 1}, "filter_parameters"),
    ],
)
def test_a_filter_that_selects_nothing_in_particular_is_refused(
    api: Client, filters: dict[str, Any], words: str
) -> None:
    """An ambiguous filter is refused, because the file would contain unintended calls."""
    assert words in detail(export(api, **filters), 422)


def test_a_job_has_every_attribute_from_its_beginning(api: Client) -> None:
    """As in the vendor's samples, attributes are null until completion; counts are integers and money is text."""
    api("PATCH", "/portal/faults", json={"export_delay_s": 0.5})
    new = export(api).json()["data"]

    def job() -> Any:
        return api.data(f"{EXPORTS}/{new['id']}")

    until(lambda: job()["attributes"]["status"] != "processing")
    before = new["attributes"]
    after = job()["attributes"]

    assert ("processing", "completed") == (before["status"], after["status"])
    assert set(before) == set(after)
    unknown = {name for name, value in before.items() if value is None}
    assert unknown == {
        "callback_url",
        "download_url",
        "expires_at",
        "total_cost",
        "call_subtotal",
        "connect_fees",
        "cnamlookup_fees",
        "usf_fees",
        "ccrf",
        "num_calls",
        "billed_minutes",
    }
    assert (0, 0, "0.00000000") == (after["num_calls"], after["billed_minutes"], after["total_cost"])


@pytest.mark.parametrize("signature", ["%C3%A9", "", "%00", "a" * 5000])
def test_a_link_with_a_strange_signature_is_refused(api: Client, signature: str) -> None:
    """An invalid signature of any form is refused."""
    answer = api("GET", f"/exports/1.gz?expires=9999999999&signature={signature}", auth=None)

    assert (403, True) == (answer.status_code, "AccessDenied" in answer.text)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[" * 100_000, 400),
        (json.dumps("[" * 100_000), 422),
        (json.dumps(json.dumps("{}")), 422),
        (b"\xff\xfe", 400),
        ('{"data": ' + "9" * 5000 + "}", 400),
        ("null", 422),
    ],
)
def test_a_strange_body_is_refused(api: Client, body: Any, status: int) -> None:
    """A body that is too deep, not UTF-8, or another kind of JSON gives an error object."""
    assert detail(api("POST", ROUTES, data=body, headers=JSON_API), status)


def test_the_key_is_asked_before_anything_is_said(api: Client) -> None:
    """Without the key, no other fault of the request is reported."""
    for method, path, more in (
        ("POST", ROUTES, {"data": "<x/>", "headers": {"Content-Type": "text/xml"}}),
        ("POST", ROUTES, {"json": {}}),
        ("GET", f"{ROUTES}?limit=0", {}),
        ("DELETE", f"{ROUTES}/7", {}),
        ("PATCH", "/portal/account", {"data": "x", "headers": {"Content-Type": "text/plain"}}),
    ):
        for auth in (None, ("a", "b")):
            assert 401 == api(method, path, auth=auth, **more).status_code, path


def test_a_route_is_never_deleted_under_a_number(api: Client) -> None:
    """With two concurrent clients, each answer has a documented status, and no number has a missing route."""
    path = f"/v2/numbers/{NUMBER}/relationships/failover_route"
    start = threading.Barrier(2)

    def point(number: str) -> int:
        start.wait(WAIT_S)
        return api("PATCH", path, json={"data": {"type": "route", "id": number}}).status_code

    def delete(number: str) -> int:
        start.wait(WAIT_S)
        return api("DELETE", f"{ROUTES}/{number}").status_code

    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            item = route(api, alias="Short-lived", route_type="host", value="192.0.2.77").json()["data"]
            codes = [job.result() for job in (pool.submit(point, item["id"]), pool.submit(delete, item["id"]))]
            assert codes in ([204, 403], [404, 204])
            assert 200 == api("GET", f"/v2/numbers/{NUMBER}").status_code
            api("DELETE", path)
            api("DELETE", f"{ROUTES}/{item['id']}")


def test_its_own_fault_is_an_error_object_too(
    emulator: Callable[..., Client], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An internal error is answered with 500 in the API's format, and other pages still work."""
    own = emulator(calls=20)
    homes = tmp_path_factory.getbasetemp().glob("emulator*")
    home = next(home for home in homes if (found := process.running(Path(home))) and found.pid == own.running.pid)
    with closing(sqlite3.connect(home / "emulator.db", timeout=WAIT_S)) as connection:
        connection.execute("ALTER TABLE edges RENAME TO lost")

    assert detail(own("GET", f"{ROUTES}/edge_strategies"), 500)
    assert own.data(ROUTES)


@pytest.mark.parametrize(("key", "status"), [(None, 401), (("a", "b"), 401), ((), 400)])
def test_the_key_is_looked_at_before_the_body(api: Client, key: tuple[str, str] | None, status: int) -> None:
    """Without the key, faults of the body are not reported."""
    auth = api.key if key == () else key

    assert detail(api("POST", ROUTES, data=b"{", headers=JSON_API, auth=auth), status)


def test_the_body_names_the_number_of_its_address(api: Client) -> None:
    """A change whose body names another number than the URL changes neither."""
    data = {"type": "number", "id": "12065550101", "attributes": {"alias": "Wrong"}}

    assert "12065550101" in detail(api("PATCH", f"/v2/numbers/{NUMBER}", json={"data": data}), 422)
    assert "Seattle main" == api.data(f"/v2/numbers/{NUMBER}")["attributes"]["alias"]


def test_half_a_character_does_not_spoil_the_list_of_exports(api: Client) -> None:
    """A lone surrogate in JSON is refused, because it would make the list of exports unreadable."""
    body = json.dumps(
        {"data": {"type": "cdrexport", "attributes": {"filter_parameters": WINDOW | {"custom_x_tags": ["\ud800"]}}}}
    )

    assert api("POST", EXPORTS, data=body, headers=JSON_API).status_code == 422
    assert api("GET", EXPORTS).status_code == 200
