"""Faults in front of the API: each alone, for a number of requests, and switched off."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dashboard.emulator.api.faults import Switches
from tests.emulator.conftest import Client

FAULTS = "/portal/faults"
SLOW_ANSWER_S = 2.0
"""Delay in seconds that exceeds any undelayed answer of a busy machine."""
LATEST_S = 60
"""Maximum delay of an answer in seconds."""
OFF = Switches().model_dump()
PLACES = ("/v2/numbers", "/v2/routes", "/v2/cdrs/exports", "/portal/account", "/portal/allowed-ips", "/exports/1.gz")


def switch(api: Client, **switches: Any) -> None:
    """Set faults, and check that exactly these are on."""
    answer = api("PATCH", FAULTS, json=switches)
    assert (200, OFF | switches) == (answer.status_code, answer.json()), answer.text


def test_no_fault_is_on_by_default(api: Client) -> None:
    """No fault is on by default."""
    assert api("GET", FAULTS).json() == OFF
    assert 200 == api("GET", "/v2/numbers").status_code


@pytest.mark.parametrize(
    ("switches", "status", "retry_after"),
    [
        ({"too_many": True}, 429, None),
        ({"too_many": True, "retry_after_s": 3}, 429, "3"),
        ({"too_many": True, "retry_after_s": 0}, 429, "0"),
        *[({"server_error": status}, status, None) for status in range(500, 505)],
        ({"server_error": 503, "retry_after_s": 7}, 503, "7"),
    ],
)
def test_each_endpoint_can_refuse(api: Client, switches: dict[str, Any], status: int, retry_after: str | None) -> None:
    """Each endpoint refuses with one error object, and with ``Retry-After`` only if requested."""
    switch(api, **switches)

    for place in PLACES:
        answer = api("GET", place)
        (fault,) = answer.json()["errors"]
        assert (status, status) == (answer.status_code, fault["status"])
        assert retry_after == answer.headers.get("retry-after")
        assert answer.headers["content-type"].startswith("application/vnd.api+json")
        assert fault["title"] not in ("", "Error")


def test_a_refused_change_changes_nothing(api: Client) -> None:
    """A faulty answer means that the request was not applied."""
    before = api("GET", "/portal/allowed-ips").json()
    switch(api, server_error=500)

    assert 500 == api("POST", "/portal/allowed-ips", json={"network": "198.51.100.98"}).status_code
    assert 500 == api("DELETE", "/portal/allowed-ips/198.51.100.11").status_code
    api("DELETE", FAULTS)
    assert before == api("GET", "/portal/allowed-ips").json()


def test_a_maintenance_page_looks_like_success(api: Client) -> None:
    """Status 200 with HTML, which a client must not accept as an answer."""
    switch(api, maintenance_page=True)
    answer = api("GET", "/v2/numbers")

    assert (200, True) == (answer.status_code, answer.headers["content-type"].startswith("text/html"))
    assert answer.text.startswith("<!doctype html>")


def test_answers_are_delayed(api: Client) -> None:
    """Answers are delayed by the given seconds and otherwise correct."""
    switch(api, slow_s=0.4)
    begun = time.monotonic()

    assert api.data("/v2/numbers")
    assert time.monotonic() - begun >= 0.4


@pytest.mark.parametrize(
    "switches", [{"too_many": True}, {"server_error": 502}, {"maintenance_page": True}, {"slow_s": SLOW_ANSWER_S}]
)
def test_a_fault_lasts_for_so_many_requests(api: Client, switches: dict[str, Any]) -> None:
    """Exactly the given number of requests fails; requests for the switches are not counted."""
    switch(api, requests=2, **switches)
    met = []
    for left in (1, 0, 0):
        begun = time.monotonic()
        answer = api("GET", "/v2/numbers")
        good = answer.status_code == 200 and answer.headers["content-type"].startswith("application/vnd.api+json")
        met.append(not good or time.monotonic() - begun >= SLOW_ANSWER_S)
        assert left == api("GET", FAULTS).json()["requests"]

    assert [True, True, False] == met


def test_limit_of_zero_affects_no_request(api: Client) -> None:
    """A limit of 0 affects no request."""
    switch(api, requests=0, server_error=500)

    assert 200 == api("GET", "/v2/numbers").status_code


def test_switches_add_up_and_are_reset_at_once(api: Client) -> None:
    """Omitted switches keep their values; a reset restores everything, including the limit."""
    switch(api, too_many=True)
    answer = api("PATCH", FAULTS, json={"requests": 5, "plain_csv": True})
    assert answer.json() == OFF | {"too_many": True, "requests": 5, "plain_csv": True}
    assert api("PATCH", FAULTS, json={}).json() == answer.json()

    gone = api("DELETE", FAULTS)
    assert (204, b"") == (gone.status_code, gone.content)
    assert api("GET", FAULTS).json() == OFF
    assert 200 == api("GET", "/v2/numbers").status_code


def test_health_and_switches_always_answer(api: Client) -> None:
    """With every fault on, the health page and the switches still answer at once."""
    api("PATCH", FAULTS, json={"slow_s": LATEST_S, "too_many": True, "server_error": 500, "maintenance_page": True})
    begun = time.monotonic()

    assert "ok" == api("GET", "/health").json()["status"]
    assert 204 == api("DELETE", FAULTS).status_code
    assert time.monotonic() - begun < LATEST_S


@pytest.mark.parametrize(
    "wrong", [{"slow_s": -1}, {"slow_s": 61}, {"server_error": 505}, {"requests": -1}, {"retry_after_s": 3601}]
)
def test_a_wrong_switch_switches_nothing(api: Client, wrong: dict[str, Any]) -> None:
    """If one switch is invalid, none is set."""
    assert 422 == api("PATCH", FAULTS, json={"too_many": True} | wrong).status_code
    assert api("GET", FAULTS).json() == OFF
