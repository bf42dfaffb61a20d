"""NetBox reader: recorded answers give the expected inventory; a misbehaving server gives an error message."""

from __future__ import annotations

import json
import re
import socket
import time
from contextlib import suppress
from itertools import chain, repeat
from threading import Thread
from typing import Any

import pytest

from dashboard.core.errors import (
    DashboardError,
    InputError,
    SettingsError,
    SourceAnswerError,
    SourceRefusedError,
    SourceUnavailableError,
)
from dashboard.pbx import Inventory, Secret, read_running
from dashboard.pbx.readers.netbox.session import NetBox
from tests.pbx import cases
from tests.pbx.conftest import PUBLIC
from tests.pbx.facts import keys
from tests.pbx.readers import netboxes
from tests.pbx.readers.netboxes import TOKEN, Fake, running
from tests.texts import golden, golden_pattern
from tests.waiting import WAIT_S

DEVICE = {"id": 1, "name": "a", "status": {"value": "active"}, "tags": [{"slug": "pbx"}], "custom_fields": {}}


def ask(address: str, token: str = TOKEN) -> Inventory:
    """Read a NetBox as an operator would."""
    return read_running(address, secrets={"TRUNKGATE_NETBOX_TOKEN": token}, treated_as_public=PUBLIC)


def ask_fake(**how: Any) -> str:
    """Read a misbehaving NetBox and return the error message."""
    with running(Fake(**how)) as fake, pytest.raises(DashboardError) as caught:
        ask(fake.address)
    assert TOKEN not in f"{caught.value} {caught.value!r}"
    return f"{type(caught.value).__name__}: {caught.value}"


@pytest.mark.parametrize("folder", cases.folders("netbox"), ids=lambda folder: folder.name)
def test_recorded_answers_give_the_inventory_beside_them(folder):
    """The inventory equals the expected PBXs, declared addresses, numbers, facts with their object, and problems."""
    with running(Fake.of(folder)) as fake:
        told = cases.told(
            ask(fake.address + f"?{json.loads((folder / 'asked.json').read_text())['query']}".rstrip("?"))
        )

    assert cases.expected(folder) == told
    assert {f"Token {TOKEN}"} == fake.tokens
    assert "made-up-word" not in json.dumps(told)


def test_every_page_is_asked_for_and_only_here():
    """Links to another host, as a NetBox behind a proxy writes them, are requested from the given host."""
    with running(Fake.of(cases.HERE / "netbox" / "pages")) as fake:
        pbxs = ask(fake.address).frames["pbxs"]

    assert 8 == len(pbxs)
    assert 3 == sum("/virtual-machines/" in path for path in fake.asked)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            {"status": 401, "body": b'{"detail": "Authentication credentials were not provided."}'},
            "Refused.*token.*401",
        ),
        ({"status": 403, "body": f'{{"detail": "Invalid token {TOKEN}"}}'.encode()}, "Refused.*Invalid token …"),
        ({"status": 403, "body": b"<html>"}, "Refused.*token.*403"),
        (
            {"status": 400, "body": b'{"tag": ["Select a valid choice. pbx is not one."]}'},
            "Refused.*" + golden_pattern("errors.netbox.select_a_choice"),
        ),
        ({"status": 404}, "Answer.*" + golden_pattern("errors.netbox.no_api")),
        ({"status": 429}, "Unavailable.*429"),
        ({"status": 500, "body": b"<html>Server Error</html>"}, "Unavailable.*500"),
        ({"status": 503}, "Unavailable.*503"),
        ({"status": 302, "headers": {"Location": "http://198.51.100.1/api/"}}, "Answer.*302, which leads elsewhere"),
        ({"body": b"<html>Log in</html>", "headers": {"Content-Type": "text/html"}}, "Answer.*a page"),
        (
            {"body": b'{"count": 1, "next": null, "results": [{"id": 1, '},
            "Answer.*" + golden_pattern("errors.netbox.half_an_answer"),
        ),
        ({"body": b""}, "Answer.*" + golden_pattern("errors.netbox.half_an_answer")),
        ({"body": b"[1, 2]"}, "Answer"),
        ({"body": b'"text"'}, "Answer"),
        ({"body": b"null"}, "Answer"),
        ({"body": b'{"results": [null]}'}, "Answer"),
        ({"body": b'{"count": 1, "next": null, "results": ["x"]}'}, "Answer"),
        ({"body": b'{"count": 1, "next": null, "results": [{"tags": [{"slug": "pbx"}]}]}'}, "Answer.*without an id"),
        ({"body": b"[" * 100_000}, "Answer"),
        ({"body": b"{}", "cut": True}, "Unavailable.*No connection"),
        ({"body": b"\x1f\x8bnot gzip", "headers": {"Content-Encoding": "gzip"}}, "Unavailable.*No connection"),
        (
            {"body": b'{"count": 0, "next": null, "results": []}'},
            "Answer.*" + golden_pattern("errors.netbox.no_device_with_tag"),
        ),
    ],
)
def test_misbehaving_server_gives_a_message(how, words):
    """The message states the fault and the remedy, and does not contain the token."""
    assert re.search(f"Source{words}", ask_fake(**how))


def test_a_redirect_is_never_followed():
    """No redirect is followed, not even to the same host, and no request is sent after it."""
    with running(Fake(status=301, headers={"Location": "/elsewhere/"})) as fake, pytest.raises(SourceAnswerError):
        ask(fake.address)

    assert 1 == len(fake.asked)


def test_closed_port_gives_a_message():
    """A closed port gives a message."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(SourceUnavailableError, match=r"No connection to 127\.0\.0\.1"):
            ask(f"netbox+http://127.0.0.1:{held.getsockname()[1]}/")


def test_a_port_without_tls_is_not_a_bad_certificate():
    """The sentence says what to check in the address."""
    with running(Fake()) as fake, pytest.raises(SourceUnavailableError) as raised:
        ask(fake.address.replace("http://", "https://"))

    assert golden("errors.http.tls_failed") in str(raised.value)
    assert golden("errors.http.check_host_and_port") in str(raised.value)
    assert "certificate" not in str(raised.value)


@pytest.mark.parametrize("how", [{"slow_s": 3.0}, {"trickle": True, "body": b" " * 200}])
def test_slow_server_times_out(how):
    """A server that does not begin to answer, and one that never ends, run into the timeout."""
    with running(Fake(**how)) as fake:
        netbox = NetBox(fake.address.removeprefix("netbox+").rstrip("/"), TOKEN, ((1.0, 0.5), 1.0))
        with pytest.raises(SourceUnavailableError, match=r"in time|longer than 1 s"):
            list(netbox.all("dcim", "devices"))

    assert TOKEN not in repr(netbox)


def test_headers_that_trickle_are_given_up():
    """Endless headers run into the timeout although each byte arrives in time."""

    def trickle(listening: socket.socket) -> None:
        peer, _ = listening.accept()
        with peer, suppress(OSError):  # until the client has disconnected
            peer.recv(65_536)
            for sign in chain(b"HTTP/1.1 200 OK\r\nX-A: ", repeat(ord("a"))):
                peer.sendall(bytes([sign]))
                time.sleep(0.1)  # a server that sends slowly

    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = Thread(target=trickle, args=[listening], daemon=True)
        far.start()
        netbox = NetBox(f"http://127.0.0.1:{listening.getsockname()[1]}", TOKEN, ((1.0, 0.5), 60.0))
        with pytest.raises(SourceUnavailableError, match="No connection"):
            list(netbox.all("dcim", "devices"))
        far.join(WAIT_S)


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("netbox+http://netbox.example.net/", InputError, "in clear"),
        ("netbox+ftp://netbox.example.net/", InputError, "is like netbox"),
        ("netbox://netbox.example.net/", InputError, "is like netbox"),
        ("netbox+https:///", InputError, "is like netbox"),
        ("netbox+https://me@netbox.example.net/", InputError, golden_pattern("commands.inventory.a_user_or_a_secret")),
        ("netbox+https://[netbox/", InputError, "no address"),
        ("netbox+https://127.0.0.1/?api_token=x", InputError, golden_pattern("commands.inventory.a_user_or_a_secret")),
        ("netbox+https://127.0.0.1/?site=x", InputError, "no option 'site'"),
        (
            "netbox+https://127.0.0.1/?owner=sip_password",
            InputError,
            golden_pattern("errors.netbox.owner_names_a_secret"),
        ),
        (
            "netbox+https://127.0.0.1/?field=api_token:made-up",
            InputError,
            golden_pattern("errors.netbox.field_names_a_secret"),
        ),
        ("telnet://127.0.0.1/", InputError, golden_pattern("commands.inventory.no_kind_of_running_system")),
    ],
)
def test_an_address_that_is_none_is_said(address, error, words):
    """An invalid address is refused before any request."""
    with pytest.raises(error, match=words):
        ask(address)


def test_without_a_token_nothing_is_asked():
    """The message names the token's variable, and no request is sent."""
    with pytest.raises(SettingsError, match="TRUNKGATE_NETBOX_TOKEN"):
        ask("netbox+https://netbox.example.net/", token="")


@pytest.mark.parametrize("path", ["netbox", "netbox/", "netbox/api", ""])
def test_a_netbox_below_a_path_is_asked_there(path):
    """A base path with or without a slash, or with the API path copied along, gives the same requests."""
    with running(Fake()) as fake, pytest.raises(SourceAnswerError):
        ask(fake.address + path)

    base = "/netbox" if path else ""
    assert fake.asked[0].startswith(f"{base}/api/dcim/devices/?")


def test_missing_fields_are_left_empty():
    """Fields that a later or older NetBox omits are left empty."""
    objects: dict[str, Any] = {
        "devices": [
            {**DEVICE, "site": "text", "custom_fields": None, "primary_ip4": {"id": 5}, "tenant": []},
            {**DEVICE, "id": 2, "name": None, "display": "no name", "status": None, "platform": {}},
        ],
        "ip_addresses": [
            {"id": 5, "address": "no address", "assigned_object": {"device": {"id": 1}}},
            {"id": 6, "address": "198.51.100.6/24", "nat_outside": [None], "assigned_object": {"device": {"id": 1}}},
        ],
    }
    with running(Fake(objects)) as fake:
        inventory = ask(fake.address)

    assert ["a", "no-name"] == inventory.frames["pbxs"]["pbx_id"].tolist()
    assert ["198.51.100.6"] == inventory.frames["pbx_addresses"]["address"].tolist()
    assert [] == inventory.problems


def test_secrets_are_named_by_their_field_and_none_is_kept():
    """Custom fields and contexts are searched at any depth; a secret is recorded by field without its value."""
    endless: dict[str, Any] = {}
    inner = endless
    for _ in range(50):
        inner["more"] = inner = {}
    inner["password"] = "made-up-deep"
    one = {
        **DEVICE,
        "custom_fields": {
            "owner": "https://me:made-up-word@api.flowroute.com",
            "trunk_password": "made-up-trunk",
            "flowroute_access_key": "made-up-key",
            "vm_pin": 4711,
            "token": None,
            "password\x1b\n": "made-up-odd",
        },
        "config_context": {"dialer": [{"header": "Authorization: Basic made-up-word"}, endless]},
        "local_context_data": {"db_password": "made-up-db"},
    }
    with running(Fake({"devices": [one]})) as fake:
        inventory = ask(fake.address)
    facts = inventory.frames["pbx_config"]
    told = facts[keys(facts) == "record.secret_present"]
    place = "127.0.0.1/dcim/devices/1/"

    assert "made-up" not in repr(inventory) + "".join(frame.to_csv() for frame in inventory.frames.values())
    assert "4711" not in facts.to_csv()
    assert [
        (f"{place} custom_fields.owner", Secret.API_KEY),
        (f"{place} custom_fields.trunk_password", Secret.TRUNK),
        (f"{place} custom_fields.flowroute_access_key", Secret.API_KEY),
        (f"{place} custom_fields.vm_pin", Secret.PIN),
        (f"{place} custom_fields.password", Secret.UNKNOWN),
        (f"{place} config_context.dialer.header", Secret.API_KEY),
        (f"{place} local_context_data.db_password", Secret.DATABASE),
    ] == list(zip(told["file"], told["value"], strict=True))


@pytest.mark.parametrize(
    "more",
    [
        {"tags": 5},
        {"tags": {"slug": "pbx"}},
        {"tags": [{"slug": ["pbx"]}, None]},
        {"site": {"id": [1]}},
        {"primary_ip4": {"id": [1], "address": "198.51.100.6/24"}},
        {"custom_fields": [5]},
    ],
)
def test_an_object_of_another_kind_ends_nothing(more):
    """Unexpected types in place of a list, number or object are skipped; the other PBX is read."""
    with running(Fake({"devices": [DEVICE, {**DEVICE, "id": 2, "name": "b", **more}]})) as fake:
        inventory = ask(fake.address)

    assert "a" in inventory.frames["pbxs"]["pbx_id"].tolist()


def test_pages_without_an_end_fill_nothing():
    """Endless small pages are limited."""
    body = b'{"count": 1, "next": "http://x/api/dcim/devices/?offset=1", "results": [{"id": 1, "name": "%s"}]}'
    with running(Fake(body=body % (b"x" * 50_000))) as fake:
        netbox = NetBox(fake.address.removeprefix("netbox+").rstrip("/"), TOKEN, most_bytes=1 << 20)
        with pytest.raises(SourceAnswerError, match=golden_pattern("errors.netbox.too_many_bytes")):
            list(netbox.all("dcim", "devices"))

    assert len(fake.asked) <= 1 + (1 << 20) // 50_000


def test_an_address_of_two_pbxs_is_shared():
    """Two devices behind one NAT address both have it."""
    inside = {"id": 5, "nat_outside": [{"address": "198.51.100.6/32"}]}
    objects: dict[str, Any] = {
        "devices": [DEVICE, {**DEVICE, "id": 2, "name": "b"}],
        "ip_addresses": [
            {**inside, "id": one, "address": f"10.0.0.{one}/24", "assigned_object": {"device": {"id": one}}}
            for one in (1, 2)
        ],
    }
    with running(Fake(objects)) as fake:
        inventory = ask(fake.address)

    assert [] == list(inventory.problems)
    assert [("a", "198.51.100.6"), ("b", "198.51.100.6")] == sorted(
        inventory.frames["pbx_addresses"][["pbx_id", "address"]].itertuples(index=False, name=None)
    )


def test_fake_requires_the_token():
    """The fake requires the token, on which the other tests rely."""
    with (
        running(Fake.of(cases.HERE / "netbox" / "nat")) as fake,
        pytest.raises(SourceRefusedError, match="Invalid token"),
    ):
        ask(fake.address, token="another-one")

    assert netboxes.PAGE < 8


def test_two_objects_of_one_name_are_not_one_pbx():
    """The second gets no row, and its address is not given to the first; a problem names both objects."""
    second = DEVICE | {"id": 2, "site": {"id": 1, "name": "Pier 5"}}
    addresses = [
        {"id": number, "address": f"198.51.100.{number}/32", "assigned_object": {"device": {"id": number}}}
        for number in (1, 2)
    ]
    fake = Fake({"devices": [DEVICE, second], "ip_addresses": addresses, "virtual_machines": [], "sites": []})
    with running(fake):
        found = ask(fake.address)

    assert ["198.51.100.1"] == list(found.frames["pbx_addresses"]["address"])
    (problem,) = found.problems
    assert problem.file.endswith("/dcim/devices/2/")
    assert golden("pbx.inventory.same_id_devices") in problem.message
