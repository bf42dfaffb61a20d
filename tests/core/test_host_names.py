"""Host names: targets of route values, comparison of targets, and lookups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from dashboard import schemas
from dashboard.calls.store.store import CallStore
from dashboard.core.host_names import SipTarget, StaticResolver, SystemResolver, target_of
from dashboard.core.settings import Settings
from dashboard.domain.capabilities import Capability
from dashboard.services.snapshot_builder import build_snapshot, refresh_hosts, save_frame
from dashboard.storage.database import State
from tests.builders import frame, pbx

T0 = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        ("", "", 5060),
        (":5060", "", 5060),
        ("A.example:5080", "a.example", 5080),
        ("a.example.", "a.example", 5060),
        ("sips:u:p@h.example", "h.example", 5061),
        ("sip:h.example;transport=TLS", "h.example", 5061),
        ("sip:h.example:5070;transport=tls", "h.example", 5070),
        ("sip:+16025550160@198.51.100.60:5060;transport=udp", "198.51.100.60", 5060),
        ("[2001:DB8::1]:5080", "2001:db8::1", 5080),
        ("<sip:198.51.100.60>", "198.51.100.60", 5060),
        pytest.param(f"a.example:{'0' * 5000}5070", "a.example", 0, id="a port of thousands of digits"),
    ],
)
def test_the_target_of_a_value(value: str, host: str, port: int) -> None:
    """User and parameters are ignored; the port is the given one, else the default of scheme and transport."""
    target = target_of(value)

    assert (host, port) == (target.host, target.port)


def test_only_names_are_names() -> None:
    """IPv4 and IPv6 addresses are not names, and a target is written without its default port."""
    assert [True, False, False, False] == [
        target_of(value).is_name for value in ("a.example", "198.51.100.60", "[2001:db8::1]", "")
    ]
    assert ["a.example", "a.example:5080"] == [str(SipTarget("a.example", port)) for port in (5060, 5080)]


def test_reserved_names_are_never_asked_for() -> None:
    """Documentation names are never sent to a name server."""
    names = ["pbx.example", "pbx-denver.example.net", "a.test", "b.invalid", "localhost"]

    assert {} == SystemResolver(timeout_s=60).resolve(names)


def test_slow_name_server_times_out() -> None:
    """A name server that does not answer costs the timeout and its own host only."""
    never = Event()

    def look_up(host: str) -> tuple[str, ...]:
        if host == "slow.invalid.net":
            never.wait()
        if host == "none.invalid.net":
            raise OSError(host)
        return ("192.0.2.1",)

    hosts = ["slow.invalid.net", "none.invalid.net", "quick.invalid.net"]

    assert {"quick.invalid.net": ("192.0.2.1",)} == SystemResolver(timeout_s=2, look_up=look_up).resolve(hosts)
    never.set()


def test_an_address_resolves_to_itself() -> None:
    """An address resolves to itself without a query."""
    assert {"127.0.0.1": ("127.0.0.1",)} == SystemResolver(timeout_s=60).resolve(["127.0.0.1"])


class Counting:
    """Resolver that records its queries."""

    def __init__(self, **known: str) -> None:
        self.asked: list[list[str]] = []
        self.known = {name.replace("_", "."): (address,) for name, address in known.items()}

    def resolve(self, hosts: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the known addresses."""
        self.asked.append(sorted(hosts))
        return StaticResolver(self.known).resolve(hosts)


def home(tmp_path: Path, inbound_host: str, value: str) -> State:
    """Return the state of a home with one PBX, its number and that number's route."""
    state = State.open(tmp_path)
    rows = {
        "pbxs": [pbx("phoenix", inbound_host=inbound_host)],
        "pbx_numbers": [{"pbx_id": "phoenix", "number": "16025550160"}],
        "numbers": [{"number": "16025550160", "route_id": "7"}],
        "routes": [{"route_id": "7", "alias": "Phoenix", "route_type": "host", "value": value}],
    }
    for name, found in rows.items():
        save_frame(state, name, frame(schemas.FRAMES[name], found), now=T0, known_by="carrier")
    return state


@pytest.mark.parametrize(
    ("inbound_host", "value", "asked"),
    [
        ("pbx.example", "PBX.example:5060", []),
        ("198.51.100.60", "198.51.100.61", []),
        ("198.51.100.60:5080", "pbx.example", []),
        ("198.51.100.60", "pbx.example", [["pbx.example"]]),
        ("pbx.example", "sip:a.example", [["a.example", "pbx.example"]]),
    ],
)
def test_only_names_in_doubt_are_asked_for(
    tmp_path: Path, inbound_host: str, value: str, asked: list[list[str]]
) -> None:
    """No lookup is made if two hosts can be compared as text."""
    state = home(tmp_path, inbound_host, value)
    resolver = Counting()

    refresh_hosts(resolver, state, now=T0)

    assert asked == resolver.asked
    state.close()


def test_addresses_are_kept_with_the_time_of_their_lookup(tmp_path: Path) -> None:
    """A failed lookup keeps the last addresses with their time; unused names are removed."""
    state = home(tmp_path, "198.51.100.60", "pbx.example")
    later = T0 + timedelta(hours=1)

    refresh_hosts(Counting(pbx_example="198.51.100.60"), state, now=T0)
    refresh_hosts(Counting(), state, now=later)

    known = build_snapshot(state, CallStore(tmp_path), Settings(home=tmp_path), frozenset(Capability), now=later)
    assert [("pbx.example", "198.51.100.60", T0)] == list(known.resolved_hosts.itertuples(index=False, name=None))

    route = {"route_id": "7", "alias": "Phoenix", "route_type": "host", "value": "198.51.100.60"}
    save_frame(state, "routes", frame(schemas.ROUTES, [route]), now=later, known_by="carrier")
    refresh_hosts(Counting(), state, now=later)

    assert build_snapshot(
        state, CallStore(tmp_path), Settings(home=tmp_path), frozenset(Capability), now=later
    ).resolved_hosts.empty
    state.close()
