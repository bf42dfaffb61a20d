"""
Table of account facts and expected findings: shared addresses, networks, silence, routes, history.

Each case concerns one subject. Calls are attributed as in a real snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard.calls.attribution import attribute
from dashboard.checks.registry import discover
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.capabilities import Capability
from dashboard.domain.findings import Confidence, Severity, Status
from dashboard.domain.snapshot import Snapshot
from dashboard.schemas.tables import RESOLVED_HOSTS
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.checks.conftest import address

NAT = "198.51.100.80"
NETWORK = "203.0.113.0/24"
INSIDE = "203.0.113.20"
STRANGER = "203.0.113.66"
PROVEN, INFERRED, CANNOT = Confidence
LOW = Severity.LOW
MEDIUM = Severity.MEDIUM
HIGH = Severity.HIGH
CRITICAL = Severity.CRITICAL
FAIL = Status.FAIL
PASS = Status.PASS
UNKNOWN = Status.UNKNOWN
BOTH = [pbx("tampa", x_tag="tampa", owner="South"), pbx("orlando", x_tag="orlando", owner="South")]
SHARED = [address("tampa", NAT), address("orlando", NAT)]
ONE = [pbx("austin", x_tag="austin")]
IN_NETWORK = [address("austin", INSIDE)]
NUMBER = "18135550180"
REPLACE = (f"Allow {INSIDE}", f"Remove {NETWORK}")


@dataclass(frozen=True)
class Case:
    """Facts of an account, and the expected finding of one check on one subject."""

    name: str
    check: str
    subject: str
    status: Status
    severity: Severity
    confidence: Confidence
    fix: tuple[str, ...] = ()
    says: str = ""
    pbx_ids: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    """Arguments of ``make_snapshot``."""
    more: dict[str, Any] = field(default_factory=dict)
    """Additional fields of the snapshot."""


def routed(inbound_host: str, value: str) -> dict[str, Any]:
    """Return the facts of a PBX whose only number has a route."""
    return {
        "pbxs": [pbx("tampa", inbound_host=inbound_host)],
        "pbx_numbers": [{"pbx_id": "tampa", "number": NUMBER}],
        "numbers": [{"number": NUMBER, "route_id": "8"}],
        "routes": [{"route_id": "8", "alias": "South", "route_type": "host", "value": value}],
    }


def both(*traffic: dict[str, Any], allowed: tuple[str, ...] = (), on: bool = True, **facts: Any) -> dict[str, Any]:
    """Return the facts of two PBXs behind one address."""
    base: dict[str, Any] = {"pbxs": BOTH, "addresses": SHARED, "traffic": list(traffic), "allowed": allowed}
    return base | {"credentials_on": on} | facts


def network(*traffic: dict[str, Any], allowed: tuple[str, ...] = (NETWORK,), **facts: Any) -> dict[str, Any]:
    """Return the facts of a listed network that contains one PBX."""
    base: dict[str, Any] = {"pbxs": ONE, "addresses": IN_NETWORK, "traffic": list(traffic), "allowed": allowed}
    return base | {"credentials_on": False} | facts


def first_policy(*allowed: str, on: bool, ago: timedelta) -> dict[str, Any]:
    """Return facts whose first policy on record began the given time ago."""
    version = PolicyVersion(Policy(frozenset(allowed), on, "12345678"), NOW - ago)
    return {"allowed": allowed, "credentials_on": on, "versions": (version,)}


def looked_up(host: str, text: str, ago: timedelta = timedelta(minutes=5)) -> dict[str, Any]:
    """Return the snapshot field with a host name's addresses and the time of the lookup."""
    return {"resolved_hosts": frame(RESOLVED_HOSTS, [{"host": host, "address": text, "resolved_at": NOW - ago}])}


DAY = timedelta(days=1)
OF_AUSTIN = calls_row(INSIDE, calls=90)
OF_STRANGER = calls_row(STRANGER, calls=12, cost_usd="31.00000000")
HOST = "pbx.tampa.example"

CASES = [
    # Point 48: PBXs behind one NAT address.
    Case(
        "tagged calls of two PBXs behind an unlisted address",
        "pbx_address_is_allowed",
        NAT,
        FAIL,
        HIGH,
        PROVEN,
        (f"Allow {NAT}",),
        "Tampa and Orlando (198.51.100.80) is not on the list; 8 calls were refused",
        ("tampa", "orlando"),
        both(refused_row(NAT, x_tag="tampa", calls=5), refused_row(NAT, x_tag="orlando", calls=3)),
    ),
    Case(
        "two PBXs behind a listed address",
        "pbx_address_is_allowed",
        NAT,
        PASS,
        HIGH,
        PROVEN,
        pbx_ids=("tampa", "orlando"),
        facts=both(calls_row(NAT, x_tag="tampa"), allowed=(NAT,)),
    ),
    Case(
        "calls of one of two PBXs, which nobody can tell apart",
        "call_source_is_allowed",
        NAT,
        FAIL,
        HIGH,
        INFERRED,
        (f"Allow {NAT}",),
        "One of Orlando, Tampa (198.51.100.80) is not on the list; 4 calls were refused",
        ("orlando", "tampa"),
        both(refused_row(NAT, calls=4)),
    ),
    Case(
        "the caller id of one of two PBXs",
        "call_source_is_allowed",
        NAT,
        FAIL,
        HIGH,
        PROVEN,
        (f"Allow {NAT}",),
        "Tampa (198.51.100.80) is not on the list",
        ("tampa",),
        both(refused_row(NAT, number=NUMBER), pbx_numbers=[{"pbx_id": "tampa", "number": NUMBER}]),
    ),
    Case(
        "the caller id of a third PBX at an address of two",
        "call_source_is_allowed",
        NAT,
        FAIL,
        HIGH,
        INFERRED,
        (f"Allow {NAT}",),
        "One of Orlando, Tampa",
        ("orlando", "tampa"),
        both(
            refused_row(NAT, number=NUMBER),
            pbxs=[*BOTH, *ONE],
            pbx_numbers=[{"pbx_id": "austin", "number": NUMBER}],
        ),
    ),
    Case(
        "untagged calls let in from an address of two PBXs are no stranger's",
        "call_source_is_allowed",
        NAT,
        FAIL,
        HIGH,
        INFERRED,
        (f"Allow {NAT}",),
        "by credentials alone",
        ("orlando", "tampa"),
        both(calls_row(NAT)),
    ),
    Case(
        "an entry of two PBXs",
        "allowed_ip_has_pbx",
        NAT,
        PASS,
        MEDIUM,
        INFERRED,
        says="Tampa and Orlando (198.51.100.80) is in the inventory.",
        pbx_ids=("tampa", "orlando"),
        facts=both(allowed=(NAT,)),
    ),
    Case(
        "an entry that one of two PBXs has left",
        "allowed_ip_has_pbx",
        NAT,
        PASS,
        MEDIUM,
        INFERRED,
        pbx_ids=("orlando",),
        facts=both(allowed=(NAT,), addresses=[address("tampa", NAT, valid_to=NOW - DAY), address("orlando", NAT)]),
    ),
    Case(
        "an entry that both PBXs have left",
        "allowed_ip_has_pbx",
        NAT,
        FAIL,
        MEDIUM,
        INFERRED,
        (f"Remove {NAT}",),
        "Tampa and Orlando (198.51.100.80)",
        ("tampa", "orlando"),
        both(allowed=(NAT,), addresses=[{**one, "valid_to": NOW - DAY} for one in SHARED]),
    ),
    # Point 51: an unassigned address inside a listed network.
    Case(
        "calls of a stranger let in by a network of ours",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        PROVEN,
        REPLACE,
        "203.0.113.66 is inside the listed network 203.0.113.0/24 and belongs to no PBX of the inventory, and calls",
        facts=network(OF_AUSTIN, OF_STRANGER),
    ),
    Case(
        "a stranger in a network where networks can be listed again",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        PROVEN,
        REPLACE,
        "in place of the network.",
        facts=network(OF_STRANGER),
        more={"capabilities": frozenset(Capability)},
    ),
    Case(
        "a stranger whose calls were only refused",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        MEDIUM,
        INFERRED,
        REPLACE,
        facts=network(refused_row(STRANGER)),
    ),
    Case(
        "the network itself, with a stranger in it",
        "allowed_ip_has_pbx",
        NETWORK,
        PASS,
        MEDIUM,
        INFERRED,
        says="It also lets in 203.0.113.66, each a finding of its own.",
        pbx_ids=("austin",),
        facts=network(OF_AUSTIN, OF_STRANGER),
    ),
    Case(
        "a network with only its PBX's calls",
        "allowed_ip_has_pbx",
        NETWORK,
        PASS,
        MEDIUM,
        INFERRED,
        says="Austin (203.0.113.0/24) is in the inventory.",
        pbx_ids=("austin",),
        facts=network(OF_AUSTIN),
    ),
    Case(
        "a source in a network that only the caller says is ours",
        "allowed_ip_has_pbx",
        STRANGER,
        UNKNOWN,
        MEDIUM,
        CANNOT,
        says="If 203.0.113.66 is an address of Austin, add it on the page Inventory",
        pbx_ids=("austin",),
        facts=network(calls_row(STRANGER, x_tag="austin")),
    ),
    Case(
        "a PBX in a network whose single address cannot be listed",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        PROVEN,
        says="203.0.113.20 of the inventory cannot be listed by itself",
        facts=network(OF_STRANGER),
        more={"treated_as_public": ()},
    ),
    Case(
        "a PBX in a network that is listed by itself too",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        PROVEN,
        (f"Remove {NETWORK}",),
        facts=network(OF_STRANGER, allowed=(NETWORK, INSIDE)),
    ),
    Case(
        "a network without any PBX is its own finding",
        "allowed_ip_has_pbx",
        NETWORK,
        FAIL,
        HIGH,
        PROVEN,
        (f"Remove {NETWORK}",),
        facts=network(OF_STRANGER, addresses=[]),
    ),
    Case(
        "a stranger's calls do not use a network for its silent PBX",
        "allowed_ip_is_used",
        NETWORK,
        FAIL,
        MEDIUM,
        INFERRED,
        says="Austin (203.0.113.0/24) placed no call in 28 days.",
        pbx_ids=("austin",),
        facts=network(OF_STRANGER),
    ),
    Case(
        "a network is used by the calls of its PBX",
        "allowed_ip_is_used",
        NETWORK,
        PASS,
        MEDIUM,
        PROVEN,
        pbx_ids=("austin",),
        facts=network(OF_AUSTIN, OF_STRANGER),
    ),
    # Point 49: silence counts from the first fetched calls.
    Case(
        "a silent entry where the first call came lately",
        "allowed_ip_is_used",
        NAT,
        FAIL,
        MEDIUM,
        INFERRED,
        (f"Remove {NAT}",),
        "placed no call in 28 days",
        facts={"allowed": (NAT,)},
        more={"since": NOW - DAY, "calls_from": NOW - 30 * DAY},
    ),
    Case(
        "a silent entry where no call ever came",
        "allowed_ip_is_used",
        NAT,
        FAIL,
        MEDIUM,
        INFERRED,
        (f"Remove {NAT}",),
        facts={"allowed": (NAT,)},
        more={"since": None, "calls_from": NOW - 30 * DAY},
    ),
    Case(
        "a silent entry where fetching began lately",
        "allowed_ip_is_used",
        NAT,
        UNKNOWN,
        MEDIUM,
        CANNOT,
        facts={"allowed": (NAT,)},
        more={"since": NOW - 30 * DAY, "calls_from": NOW - DAY},
    ),
    # Point 50: routes.
    Case(
        "another port",
        "pbx_has_inbound_route",
        "tampa",
        FAIL,
        HIGH,
        INFERRED,
        ("Create route Tampa to 198.51.100.80:5060", f"Point {NUMBER} at Tampa"),
        pbx_ids=("tampa",),
        facts=routed(f"{NAT}:5060", f"{NAT}:5080"),
    ),
    Case(
        "the default port",
        "pbx_has_inbound_route",
        "tampa",
        PASS,
        HIGH,
        INFERRED,
        pbx_ids=("tampa",),
        facts=routed(NAT, f"sip:{NAT}:5060;transport=udp"),
    ),
    Case(
        "a name that was never resolved",
        "pbx_has_inbound_route",
        "tampa",
        UNKNOWN,
        HIGH,
        CANNOT,
        says="pbx.tampa.example could not be resolved",
        pbx_ids=("tampa",),
        facts=routed(HOST, NAT),
    ),
    Case(
        "a name that was resolved too long ago",
        "pbx_has_inbound_route",
        "tampa",
        UNKNOWN,
        HIGH,
        CANNOT,
        says="was last resolved on 2026-11-20 09:00 UTC",
        pbx_ids=("tampa",),
        facts=routed(HOST, NAT),
        more=looked_up(HOST, NAT, timedelta(hours=3)),
    ),
    Case(
        "a name of the same address",
        "pbx_has_inbound_route",
        "tampa",
        PASS,
        HIGH,
        INFERRED,
        pbx_ids=("tampa",),
        facts=routed(HOST, NAT),
        more=looked_up(HOST, NAT),
    ),
    Case(
        "a name of another address",
        "pbx_has_inbound_route",
        "tampa",
        FAIL,
        HIGH,
        INFERRED,
        ("Create route Tampa to pbx.tampa.example", f"Point {NUMBER} at Tampa"),
        "pbx.tampa.example resolved to 198.51.100.81 on",
        ("tampa",),
        routed(HOST, NAT),
        looked_up(HOST, "198.51.100.81"),
    ),
    # Point 55: history, switches, next steps, empty lists.
    Case(
        "calls let in before the first policy on record, which has credentials off",
        "call_source_is_allowed",
        NAT,
        PASS,
        HIGH,
        INFERRED,
        says="no call came from it since 2026-11-19",
        facts={"traffic": [calls_row(NAT, at=NOW - 3 * DAY)], **first_policy(on=False, ago=DAY)},
    ),
    Case(
        "calls let in under a policy on record that has credentials off",
        "call_source_is_allowed",
        NAT,
        UNKNOWN,
        HIGH,
        CANNOT,
        says="the list on record is out of date",
        facts={"traffic": [calls_row(NAT)], **first_policy(on=False, ago=DAY)},
    ),
    Case(
        "calls let in before the first policy on record, which has credentials on",
        "call_source_is_allowed",
        NAT,
        FAIL,
        CRITICAL,
        PROVEN,
        facts={"traffic": [calls_row(NAT, at=NOW - 3 * DAY)], **first_policy(on=True, ago=DAY)},
    ),
    Case(
        "calls refused before the first policy on record, in which the address is listed",
        "pbx_address_is_allowed",
        NAT,
        PASS,
        HIGH,
        INFERRED,
        pbx_ids=("tampa", "orlando"),
        facts=both(refused_row(NAT, at=NOW - 3 * DAY)) | first_policy(NAT, on=True, ago=DAY),
    ),
    Case(
        "calls refused under a policy on record in which the address is listed",
        "pbx_address_is_allowed",
        NAT,
        UNKNOWN,
        HIGH,
        CANNOT,
        says="the list on record is out of date",
        pbx_ids=("tampa", "orlando"),
        facts=both(refused_row(NAT)) | first_policy(NAT, on=True, ago=DAY),
    ),
    Case(
        "credentials that a dynamic PBX needs",
        "credentials_are_off",
        "account",
        FAIL,
        MEDIUM,
        INFERRED,
        says="Before they are turned off: give Tampa a static address and add it to the list.",
        pbx_ids=("tampa",),
        facts={"pbxs": [pbx("tampa", ip_kind="dynamic")]},
    ),
    Case(
        "credentials that nobody needs",
        "credentials_are_off",
        "account",
        FAIL,
        HIGH,
        INFERRED,
        ("Disable outbound credentials",),
        facts={"pbxs": BOTH, "addresses": SHARED, "allowed": (NAT,)},
    ),
    Case(
        "calls of a PBX of ours refused at an address that is not in the inventory",
        "call_source_is_allowed",
        STRANGER,
        FAIL,
        HIGH,
        INFERRED,
        says="If 203.0.113.66 is an address of Tampa, add it on the page Inventory",
        pbx_ids=("tampa",),
        facts=both(refused_row(STRANGER, x_tag="tampa")),
    ),
    Case(
        "calls of a PBX of ours from an address that is listed and not in the inventory",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        PROVEN,
        (f"Remove {STRANGER}",),
        "If 203.0.113.66 is an address of Tampa, add it on the page Inventory",
        facts=both(calls_row(STRANGER, x_tag="tampa"), allowed=(STRANGER,)),
    ),
    Case(
        "a list that is known to be empty, judged by owner",
        "allowed_ip_has_pbx",
        "account",
        PASS,
        MEDIUM,
        INFERRED,
        says="Outbound Allowed IPs is empty",
        facts=both(),
    ),
    Case(
        "a list that is known to be empty, judged by use",
        "allowed_ip_is_used",
        "account",
        PASS,
        MEDIUM,
        INFERRED,
        says="Outbound Allowed IPs is empty",
        facts=both(),
    ),
    Case(
        "a list that was never read is not empty",
        "allowed_ip_has_pbx",
        "account",
        UNKNOWN,
        MEDIUM,
        CANNOT,
        says="was never read",
        facts=both(),
        more={"freshness": {}},
    ),
]


def snapshot_of(case: Case) -> Snapshot:
    """Return the account of a case with attributed calls."""
    made = make_snapshot(**case.facts)
    traffic = attribute(made.traffic, pbxs=made.pbxs, pbx_addresses=made.pbx_addresses, pbx_numbers=made.pbx_numbers)
    return replace(made, traffic=traffic, **case.more)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_verdict_follows_from_the_facts(case: Case) -> None:
    """The subject has exactly one finding with the expected status, severity, confidence, owner and fix."""
    check = next(one for one in discover() if one.id == case.check)
    (finding,) = [one for one in check.findings(snapshot_of(case)) if one.subject == case.subject]

    assert (case.status, case.severity, case.confidence) == (finding.status, finding.severity, finding.confidence)
    assert case.fix == tuple(change.sentence() for change in finding.changes)
    assert case.pbx_ids == finding.pbx_ids
    assert case.says in finding.reason


def test_the_fix_of_a_shared_address_names_both_pbxs() -> None:
    """Label, owner and purpose of the new entry name every PBX behind the address."""
    snapshot = snapshot_of(next(case for case in CASES if case.name.startswith("the caller id of one")))
    check = next(one for one in discover() if one.id == "call_source_is_allowed")
    (finding,) = check.findings(snapshot)
    (change,) = finding.changes

    assert ("Tampa and Orlando", "South") == (change.label, change.owner)
    assert "Outbound calls of Tampa and Orlando" == change.purpose
    assert (("tampa", "orlando"), True) == snapshot.owners_of(NAT)
