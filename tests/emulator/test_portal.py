"""``/portal``: data that the real carrier has only on web pages, for the emulator alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest

from dashboard.schemas.tables import PBX_ADDRESSES, PBX_NUMBERS, PBXS, conform
from tests.emulator.conftest import Client
from tests.texts import golden

ACCOUNT = "/portal/account"
LIST = "/portal/allowed-ips"
ADDRESS = "198.51.100.99"
PLACES = (
    ("GET", ACCOUNT),
    ("PATCH", ACCOUNT),
    ("GET", LIST),
    ("POST", LIST),
    ("DELETE", f"{LIST}/198.51.100.11"),
    ("GET", "/portal/inventory"),
    ("GET", "/portal/faults"),
    ("PATCH", "/portal/faults"),
    ("DELETE", "/portal/faults"),
)


def detail(answer: Any, status: int) -> str:
    """Return the message of a refusal with the expected status."""
    assert status == answer.status_code, answer.text
    (fault,) = answer.json()["errors"]
    found: str = fault["detail"]
    return found


def moment(text: str) -> datetime:
    """Parse a time, which must be UTC with microseconds."""
    found = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    assert found.utcoffset() == UTC.utcoffset(None)
    return found


def listed(api: Client) -> list[str]:
    """Return the networks on the list."""
    return [entry["network"] for entry in api("GET", LIST).json()["entries"]]


def test_the_account_tells_its_settings(api: Client) -> None:
    """The sample's settings are returned, with a fixed choice for both unknowns of the admission rule."""
    found = api("GET", ACCOUNT).json()
    changed = moment(found.pop("credentials_changed_at"))
    created = moment(found.pop("created_at"))

    assert changed < created <= datetime.now(UTC)
    assert found == {
        "tech_prefix": "12345678",
        "credentials_enabled": True,
        "sample": True,
        "refusals_in_cdrs": True,
        "digest_rescues_prefix": True,
        "no_path_status": 403,
        "public_ranges": ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"],
    }


def test_an_entry_is_put_on_the_list_and_taken_off(api: Client) -> None:
    """Adding gives 201 and then 409, removing 204 and then 404; each change updates the list's time."""
    entry = {"network": ADDRESS, "label": "Lab", "owner": "ops", "purpose": "test", "role": "standby"}
    before = moment(api("GET", LIST).json()["changed_at"])
    made = api("POST", LIST, json=entry)
    after = api("GET", LIST).json()

    assert (201, entry) == (made.status_code, {key: made.json()[key] for key in entry})
    assert made.json() == after["entries"][-1]
    assert before < moment(after["changed_at"]) == moment(made.json()["added_at"])
    assert golden("errors.portal.already_listed", address=ADDRESS) in detail(api("POST", LIST, json=entry), 409)
    assert after == api("GET", LIST).json()

    gone = api("DELETE", f"{LIST}/{ADDRESS}")
    final = api("GET", LIST).json()
    assert (204, b"") == (gone.status_code, gone.content)
    assert moment(after["changed_at"]) < moment(final["changed_at"])
    assert golden("errors.portal.not_listed", address=ADDRESS) in detail(api("DELETE", f"{LIST}/{ADDRESS}"), 404)
    assert final == api("GET", LIST).json()


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("10.0.0.7", "private address"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("224.0.0.5", "multicast"),
        ("198.51.100.0/28", "198.51.100.0/28"),
        ("2001:db8::7", "IPv6"),
        ("198.051.100.7", "zero"),
        ("pbx-denver.example.net", "name"),
        ("=1+1", "formula"),
        ("", "empty"),
        (" 198.51.100.7", "space"),
        ("198.51.100.300", "198.51.100.300"),
    ],
)
def test_only_a_single_public_address_is_taken(api: Client, network: str, words: str) -> None:
    """Other values are refused with a message that names the field, and the list does not change."""
    before = api("GET", LIST).json()
    sentence = detail(api("POST", LIST, json={"network": network}), 422)

    assert (True, True, True) == (sentence.startswith("network: "), words in sentence, sentence.endswith(".")), sentence
    assert before == api("GET", LIST).json()


def test_the_switch_moves_its_time_only_when_it_moves(api: Client) -> None:
    """Setting the current value, or changing another field, does not update the switch's time."""
    times = [moment(api("GET", ACCOUNT).json()["credentials_changed_at"])]
    for body in (
        {"credentials_enabled": True},
        {"no_path_status": 403},
        {"credentials_enabled": False},
        {"credentials_enabled": False},
        {"credentials_enabled": True},
    ):
        answer = api("PATCH", ACCOUNT, json=body)
        assert (200, body) == (answer.status_code, {key: answer.json()[key] for key in body})
        times.append(moment(answer.json()["credentials_changed_at"]))

    assert times[0] == times[1] == times[2] < times[3] == times[4] < times[5]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("digest_rescues_prefix", False),
        ("no_path_status", 603),
        ("refusals_in_cdrs", False),
        ("tech_prefix", "87654321"),
    ],
)
def test_what_is_not_known_of_the_carrier_can_be_set(api: Client, name: str, other: Any) -> None:
    """Each undocumented behavior can be set separately and reset."""
    before = api("GET", ACCOUNT).json()

    assert before | {name: other} == api("PATCH", ACCOUNT, json={name: other}).json() == api("GET", ACCOUNT).json()
    assert before == api("PATCH", ACCOUNT, json={name: before[name]}).json()


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (ACCOUNT, {"credential_enabled": False}, "credential_enabled"),
        (ACCOUNT, {"credentials_enabled": "no"}, "credentials_enabled"),
        (ACCOUNT, {"no_path_status": 200}, "no_path_status"),
        (ACCOUNT, {"tech_prefix": "1234567"}, "tech_prefix"),
        (ACCOUNT, {"sample": False}, "sample"),
        (ACCOUNT, {"credentials_changed_at": "2026-01-01T00:00:00Z"}, "credentials_changed_at"),
        (LIST, {"network": ADDRESS, "note": "x"}, "note"),
        (LIST, {"network": ADDRESS, "role": "spare"}, "role"),
        (LIST, {"network": ADDRESS, "added_at": "2020-01-01T00:00:00Z"}, "added_at"),
        (LIST, {}, "network"),
        ("/portal/faults", {"slow": 1}, "slow"),
        ("/portal/faults", {"server_error": 404}, "server_error"),
    ],
)
def test_what_is_not_understood_is_an_error(api: Client, path: str, body: Any, words: str) -> None:
    """An unknown or read-only field is named, and nothing changes."""
    before = api("GET", path).json()

    assert words in detail(api("POST" if path == LIST else "PATCH", path, json=body), 422)
    assert before == api("GET", path).json()


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\u0000"', "[" * 2000])
def test_text_that_no_database_takes_is_an_error(api: Client, text: str) -> None:
    """A lone surrogate, a null character or deep nesting is refused in names and values."""
    bodies = (
        f'{{"network": {text}}}',
        f'{{"network": "{ADDRESS}", {text}: 1}}',
        f'{{"network": "{ADDRESS}", "role": {text}}}',
    )
    for body in bodies:
        answer = api("POST", LIST, data=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), answer.text
        assert answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_every_endpoint_requires_the_key(api: Client, method: str, path: str) -> None:
    """A missing key, a wrong secret and a wrong name are refused alike, with the authentication scheme."""
    access, secret = api.key
    for auth in (None, (access, "x"), ("x", secret), (access, secret.upper() + "é")):
        answer = api(method, path, auth=auth if auth is None else tuple(part.encode() for part in auth), json={})
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert detail(answer, 401)
        assert secret not in answer.text


def test_the_inventory_keeps_the_house_contracts(api: Client) -> None:
    """The inventory satisfies the schemas of a home: PBXs are unique, and every address and number belongs to one."""
    found = api("GET", "/portal/inventory").json()
    frames = {
        name: conform(pd.DataFrame(found[name]), schema, source="/portal/inventory")
        for name, schema in (("pbxs", PBXS), ("pbx_addresses", PBX_ADDRESSES), ("pbx_numbers", PBX_NUMBERS))
    }

    assert set(found) == {*frames, "past_allowed_ips"}
    assert ["203.0.113.88"] == [row["network"] for row in found["past_allowed_ips"]]
    assert frames["pbxs"]["pbx_id"].is_unique
    assert 11 == len(frames["pbxs"])
    for name in ("pbx_addresses", "pbx_numbers"):
        assert len(frames[name]) > 0
        assert set(frames[name]["pbx_id"]) <= set(frames["pbxs"]["pbx_id"])
    numbers = {item["id"] for item in api.data("/v2/numbers", limit=200)}
    assert set(frames["pbx_numbers"]["number"]) <= numbers


def test_a_story_is_left_out_everywhere(emulator: Callable[..., Client]) -> None:
    """Without the two stories that need them, credentials are off; a retired PBX leaves no entry behind."""
    api = emulator(without=("credentials", "dynamic", "retired"), calls=50)

    assert api("GET", ACCOUNT).json()["credentials_enabled"] is False
    assert {"boston", "miami"} & {row["pbx_id"] for row in api("GET", "/portal/inventory").json()["pbxs"]} == set()
    assert "198.51.100.50" not in listed(api)
    assert "198.51.100.40" in listed(api)


def test_an_old_network_can_be_taken_off_and_not_put_back(api: Client) -> None:
    """An existing network entry can be removed but not added, because new entries are single addresses."""
    (network,) = (row["network"] for row in api("GET", LIST).json()["entries"] if "/" in row["network"])

    assert 204 == api("DELETE", f"{LIST}/{quote(network, safe='')}").status_code
    assert network not in {row["network"] for row in api("GET", LIST).json()["entries"]}
    assert golden("errors.portal.network_in_cidr") in detail(api("POST", LIST, json={"network": network}), 422)
