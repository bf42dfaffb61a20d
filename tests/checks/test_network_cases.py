"""
Table of account facts and expected findings: shared addresses, networks, silence, routes, history.

Each case concerns one subject. Calls are attributed as in a real snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import chain, combinations
from typing import Any

import pytest

from dashboard.calls.attribution import attribute
from dashboard.checks.registry import discover, run
from dashboard.domain.admission import Policy, PolicyVersion
from dashboard.domain.capabilities import Capability
from dashboard.domain.findings import Confidence, Severity, Status
from dashboard.domain.snapshot import Freshness, Snapshot
from dashboard.schemas.tables import PBX_ATTEMPTS, RESOLVED_HOSTS
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.checks.conftest import address
from tests.texts import golden

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
FORGED = calls_row(
    STRANGER, x_tag="austin", calls=500, cost_usd="2035", zone="CUBA", at=NOW - timedelta(hours=9), last_at=NOW
)
LONG_CLAIMED = calls_row(STRANGER, x_tag="austin", calls=40, at=NOW - 20 * DAY)
MOVED_IN_NETWORK = [
    address("austin", STRANGER, valid_to=NOW - 7 * DAY),
    address("austin", INSIDE, valid_from=NOW - 7 * DAY),
]
SWITCHED = tuple(
    PolicyVersion(Policy(frozenset({INSIDE}), on, "12345678"), NOW - ago)
    for on, ago in ((True, 60 * DAY), (False, DAY))
)
LOST_BY_AUSTIN = {
    "pbx_attempts": frame(
        PBX_ATTEMPTS,
        [
            {
                "pbx_id": "austin",
                "fate": "missing",
                "at_once": True,
                "latest": True,
                "attempts": 9,
                "first_at": NOW - timedelta(hours=2),
                "last_at": NOW - timedelta(hours=1),
            }
        ],
    ),
    "pbx_freshness": {"austin": Freshness(NOW, 3600)},
}
"""Attempts in Austin's own records that the carrier has no record of."""
HOST = "pbx.tampa.example"


def pattern(source: str, zone: str, hour: int) -> dict[str, Any]:
    """Return Austin's calls from a source at one hour of the day to one zone, since 29 or, of a stranger, 20 days."""
    first = NOW - (29 if source == INSIDE else 20) * DAY
    times = {"first_at": first, "last_at": first + 10 * DAY, "hour": hour, "calls": 40}
    return {
        "direction": "outbound",
        "source_ip": source,
        "outcome": "answered",
        "zone": zone,
        "pbx_id": "austin",
    } | times


AUSTINS_OWN = [pattern(INSIDE, "UNITED STATES", hour) for hour in range(14, 23)]

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
        golden("checks.listed.refused_calls", pbx="Tampa and Orlando", address="198.51.100.80", calls=8),
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
        golden(
            "checks.call_source_is_allowed.one_of_two_refused", pbxs="Orlando, Tampa", address="198.51.100.80", calls=4
        ),
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
        golden("checks.listed.not_on_the_list", pbx="Tampa", address="198.51.100.80"),
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
        golden("checks.listed.one_of_two"),
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
        says=golden("checks.listed.in_the_inventory", pbx="Tampa and Orlando", address="198.51.100.80"),
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
        golden("checks.call_source_is_allowed.stranger_in_network"),
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
        golden("checks.call_source_is_allowed.in_place_of_network"),
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
        says=golden("checks.allowed_ip_has_pbx.also_lets_in"),
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
        says=golden("checks.listed.in_the_inventory", pbx="Austin", address="203.0.113.0/24"),
        pbx_ids=("austin",),
        facts=network(OF_AUSTIN),
    ),
    # Points 45 and 51: a source inside a listed network that only claims to be a PBX.
    Case(
        "a forged X-Tag in a network while its PBX calls from its own address",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        CRITICAL,
        PROVEN,
        REPLACE,
        golden("checks.claims_to_be.forged_in_network"),
        ("austin",),
        network(OF_AUSTIN, FORGED),
    ),
    Case(
        "a new source in a network that only the X-Tag says is ours",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        INFERRED,
        REPLACE,
        golden("checks.claims_to_be.only_x_tag_and_source_is_new", pbx="Austin"),
        ("austin",),
        network(FORGED),
    ),
    Case(
        "a new source in a network that only the caller id says is ours",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        INFERRED,
        REPLACE,
        golden("checks.claims_to_be.only_caller_id", pbx="Austin"),
        ("austin",),
        network(calls_row(STRANGER, number=NUMBER), pbx_numbers=[{"pbx_id": "austin", "number": NUMBER}]),
    ),
    Case(
        "a source in a network that has long claimed to be ours",
        "allowed_ip_has_pbx",
        STRANGER,
        UNKNOWN,
        HIGH,
        CANNOT,
        says=golden("checks.claims_to_be.add_to_inventory", address="203.0.113.66", pbx="Austin"),
        pbx_ids=("austin",),
        facts=network(LONG_CLAIMED),
    ),
    Case(
        "a source in a network that has long claimed to be ours calls a new zone",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        INFERRED,
        REPLACE,
        golden("checks.claims_to_be.new_zone", zone="CUBA", pbx="Austin"),
        ("austin",),
        network(LONG_CLAIMED, call_patterns=[*AUSTINS_OWN, pattern(STRANGER, "CUBA", 15)]),
    ),
    Case(
        "a source in a network that has long claimed to be ours calls at odd hours",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        INFERRED,
        REPLACE,
        golden("checks.claims_to_be.odd_hours", calls=40, pbx="Austin"),
        ("austin",),
        network(LONG_CLAIMED, call_patterns=[*AUSTINS_OWN, pattern(STRANGER, "UNITED STATES", 5)]),
    ),
    Case(
        "a new source in a network that claims to be ours and was only refused",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        MEDIUM,
        INFERRED,
        REPLACE,
        pbx_ids=("austin",),
        facts=network(OF_AUSTIN, refused_row(STRANGER, x_tag="austin")),
    ),
    Case(
        "a source in a network that has long claimed to be ours and was only refused",
        "allowed_ip_has_pbx",
        STRANGER,
        UNKNOWN,
        MEDIUM,
        CANNOT,
        pbx_ids=("austin",),
        facts=network(refused_row(STRANGER, x_tag="austin", at=NOW - 20 * DAY)),
    ),
    Case(
        "a source in a network with and without our X-Tag",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        PROVEN,
        REPLACE,
        golden("checks.claims_to_be.some_of_its_calls"),
        ("austin",),
        network(LONG_CLAIMED, OF_STRANGER),
    ),
    Case(
        "a source in a network with the X-Tag of a retired PBX",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        PROVEN,
        REPLACE,
        facts=network(
            calls_row(STRANGER, x_tag="boston"), pbxs=[*ONE, pbx("boston", status="retired", x_tag="boston")]
        ),
    ),
    Case(
        "our X-Tag from an address in a network that the PBX has left",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        PROVEN,
        REPLACE,
        golden("checks.call_source_is_allowed.left_network"),
        ("austin",),
        network(calls_row(STRANGER, x_tag="austin"), addresses=MOVED_IN_NETWORK),
    ),
    Case(
        "our X-Tag from an address in a network that the PBX has left while it calls from its own",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        CRITICAL,
        PROVEN,
        REPLACE,
        golden("checks.claims_to_be.only_x_tag", pbx="Austin"),
        ("austin",),
        network(OF_AUSTIN, calls_row(STRANGER, x_tag="austin"), addresses=MOVED_IN_NETWORK),
    ),
    *(
        Case(
            f"a listed source with a forged X-Tag: {what}",
            "call_source_is_allowed",
            STRANGER,
            PASS,
            HIGH,
            INFERRED,
            says=golden("checks.claims_to_be.listed_and_claimed"),
            facts=network(OF_AUSTIN, FORGED, allowed=allowed),
        )
        for what, allowed in (("network", (NETWORK,)), ("by itself", (INSIDE, STRANGER)))
    ),
    Case(
        "a listed source with the X-Tag of a retired PBX",
        "call_source_is_allowed",
        STRANGER,
        PASS,
        HIGH,
        INFERRED,
        says=golden("checks.claims_to_be.listed_though_nobody_calls", pbx="Boston"),
        facts=network(
            calls_row(STRANGER, x_tag="boston"), pbxs=[*ONE, pbx("boston", status="retired", x_tag="boston")]
        ),
    ),
    Case(
        "a listed address that its PBX has left, with its X-Tag since",
        "call_source_is_allowed",
        STRANGER,
        PASS,
        HIGH,
        INFERRED,
        says=golden("checks.claims_to_be.listed_though_nobody_calls", pbx="Austin"),
        facts=network(calls_row(STRANGER, x_tag="austin"), addresses=MOVED_IN_NETWORK),
    ),
    Case(
        "the X-Tag of a PBX from its own listed address",
        "call_source_is_allowed",
        INSIDE,
        PASS,
        HIGH,
        PROVEN,
        says=golden("checks.listed.on_the_list", pbx="Austin", address="203.0.113.20"),
        pbx_ids=("austin",),
        facts=network(calls_row(INSIDE, x_tag="austin")),
    ),
    Case(
        "the X-Tag of another PBX from the listed address of one",
        "call_source_is_allowed",
        INSIDE,
        PASS,
        HIGH,
        PROVEN,
        says=golden("checks.listed.on_the_list", pbx="Austin", address="203.0.113.20"),
        pbx_ids=("austin",),
        facts=network(calls_row(INSIDE, x_tag="tampa"), pbxs=[*ONE, *BOTH]),
    ),
    Case(
        "a forged X-Tag is not what its PBX's own records miss",
        "call_source_is_allowed",
        STRANGER,
        UNKNOWN,
        MEDIUM,
        CANNOT,
        says=golden("checks.claims_to_be.unlisted_and_claimed"),
        pbx_ids=("austin",),
        facts=network(calls_row(STRANGER, x_tag="austin", at=NOW - 9 * DAY), allowed=(INSIDE,), versions=SWITCHED),
        more={"capabilities": frozenset()} | LOST_BY_AUSTIN,
    ),
    Case(
        "a forged X-Tag that has ended",
        "call_source_is_allowed",
        STRANGER,
        PASS,
        HIGH,
        INFERRED,
        says=golden("checks.call_source_is_allowed.unlisted_and_quiet"),
        facts=network(calls_row(STRANGER, x_tag="austin", at=NOW - 9 * DAY), allowed=(INSIDE,), versions=SWITCHED),
    ),
    Case(
        "a forged X-Tag does not use a network for its silent PBX",
        "allowed_ip_is_used",
        NETWORK,
        UNKNOWN,
        MEDIUM,
        CANNOT,
        says="Calls came from 203.0.113.66; " + golden("checks.claims_to_be.only_x_tag", pbx="Austin"),
        pbx_ids=("austin",),
        facts=network(FORGED),
    ),
    Case(
        "a network is used by its PBX from an address that it has left since",
        "allowed_ip_is_used",
        NETWORK,
        PASS,
        MEDIUM,
        INFERRED,
        pbx_ids=("austin",),
        facts=network(calls_row(STRANGER, x_tag="austin", at=NOW - 9 * DAY), addresses=MOVED_IN_NETWORK),
    ),
    Case(
        "an entry that its PBX has left, with its X-Tag since",
        "allowed_ip_is_used",
        STRANGER,
        PASS,
        MEDIUM,
        PROVEN,
        says=golden("checks.allowed_ip_is_used.placed_its_last_call"),
        pbx_ids=("austin",),
        facts=network(calls_row(STRANGER, x_tag="austin"), addresses=MOVED_IN_NETWORK, allowed=(STRANGER,)),
    ),
    Case(
        "a past loss under our X-Tag from an address that the PBX had left",
        "past_loss_is_reviewed",
        STRANGER,
        FAIL,
        HIGH,
        INFERRED,
        says=golden("checks.claims_to_be.only_mark_said"),
        facts=network(
            calls_row(STRANGER, x_tag="austin", at=NOW - 5 * DAY), addresses=MOVED_IN_NETWORK, versions=SWITCHED
        ),
    ),
    Case(
        "no past loss under our X-Tag from an address that the PBX had then",
        "past_loss_is_reviewed",
        "account",
        PASS,
        HIGH,
        INFERRED,
        facts=network(
            calls_row(STRANGER, x_tag="austin", at=NOW - 9 * DAY), addresses=MOVED_IN_NETWORK, versions=SWITCHED
        ),
    ),
    Case(
        "a PBX in a network whose single address cannot be listed",
        "allowed_ip_has_pbx",
        STRANGER,
        FAIL,
        HIGH,
        PROVEN,
        says=golden("checks.call_source_is_allowed.cannot_be_listed_alone"),
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
        says=golden("checks.listed.placed_no_call", subject="Austin (203.0.113.0/24)"),
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
        golden("checks.allowed_ip_is_used.placed_no_call"),
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
        (
            golden("fixes.changes.create_route", route="Tampa", host="198.51.100.80:5060"),
            golden("fixes.changes.point_number", number=NUMBER, route="Tampa"),
        ),
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
        says=golden("checks.pbx_has_inbound_route.name_not_resolved"),
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
        says=golden("checks.pbx_has_inbound_route.resolved_long_ago"),
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
        (
            golden("fixes.changes.create_route", route="Tampa", host="pbx.tampa.example"),
            golden("fixes.changes.point_number", number=NUMBER, route="Tampa"),
        ),
        golden("checks.pbx_has_inbound_route.name_resolved_to"),
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
        says=golden("checks.call_source_is_allowed.no_call_since_day"),
        facts={"traffic": [calls_row(NAT, at=NOW - 3 * DAY)], **first_policy(on=False, ago=DAY)},
    ),
    Case(
        "calls let in under a policy on record that has credentials off",
        "call_source_is_allowed",
        NAT,
        UNKNOWN,
        HIGH,
        CANNOT,
        says=golden("checks.call_source_is_allowed.list_is_out_of_date"),
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
        says=golden("checks.call_source_is_allowed.list_is_out_of_date"),
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
        says=golden("checks.credentials_are_off.give_static_address"),
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
        says=golden("checks.claims_to_be.add_to_inventory", address="203.0.113.66", pbx="Tampa"),
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
        golden("checks.claims_to_be.add_to_inventory", address="203.0.113.66", pbx="Tampa"),
        facts=both(calls_row(STRANGER, x_tag="tampa"), allowed=(STRANGER,)),
    ),
    Case(
        "a list that is known to be empty, judged by owner",
        "allowed_ip_has_pbx",
        "account",
        PASS,
        MEDIUM,
        INFERRED,
        says=golden("checks.list_is_empty"),
        facts=both(),
    ),
    Case(
        "a list that is known to be empty, judged by use",
        "allowed_ip_is_used",
        "account",
        PASS,
        MEDIUM,
        INFERRED,
        says=golden("checks.list_is_empty"),
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
    assert case.fix == tuple(change.describe() for change in finding.changes)
    assert case.pbx_ids == finding.pbx_ids
    assert case.says in finding.reason


@pytest.mark.parametrize(
    "case", [one for one in CASES if one.status is FAIL], ids=[one.name for one in CASES if one.status is FAIL]
)
def test_a_failure_stays_open_when_calls_become_stale(case: Case) -> None:
    """
    Stale calls make the failure unknown, with its last status; also if only calls make the source a subject.

    No sentence dates these calls to the last 24 hours.
    """
    fresh = snapshot_of(case)
    stale = replace(fresh, freshness={**fresh.freshness, "calls": Freshness(NOW - 2 * DAY, 60)})

    (finding,) = [one for one in run(stale) if (one.check, one.subject) == (case.check, case.subject)]

    assert finding.open
    assert finding.status is FAIL or (finding.last_known and finding.last_known.status is FAIL)
    assert "last 24 h" not in finding.reason


@pytest.mark.parametrize(
    "name",
    [
        "tagged calls of two PBXs behind an unlisted address",
        "calls of a stranger let in by a network of ours",
        "a forged X-Tag in a network while its PBX calls from its own address",
    ],
)
def test_a_failure_stays_open_when_several_inputs_become_stale(name: str) -> None:
    """Two or three stale inputs of a check keep its failures open, with their severity, proposals and oldest time."""
    case = next(one for one in CASES if one.name == name)
    fresh = snapshot_of(case)
    check = next(one for one in discover() if one.id == case.check)
    before = {one.subject: one for one in check.findings(fresh) if one.open}
    for names in chain(*(combinations((*check.deciding, *check.additional), number) for number in (2, 3))):
        ages = {name: Freshness(NOW - (n + 1) * DAY, 60) for n, name in enumerate(names)}
        after = {one.subject: one for one in check.findings(replace(fresh, freshness={**fresh.freshness, **ages}))}
        for subject, one in before.items():
            old = after[subject]
            assert (True, one.severity, one.changes) == (old.open, old.severity, old.proposals), (names, subject)
            assert old.failed_last or not set(names) & set(check.deciding)
            assert old.reason.count("Last known: ") == int(old.failed_last)
            if old.last_known:
                assert set(names) & set(check.deciding) <= set(old.lacking) <= set(names)
                assert min(ages[name].as_of for name in old.lacking) == old.last_known.as_of


@pytest.mark.parametrize("words", [{"x_tag": "austin"}, {"number": NUMBER}], ids=["X-Tag", "caller id"])
@pytest.mark.parametrize("allowed", [(), (NETWORK,), (NETWORK, INSIDE), (STRANGER,)], ids=str)
@pytest.mark.parametrize("age", [timedelta(hours=9), 20 * DAY], ids=["new", "long known"])
def test_unconfirmed_claim_passes_no_check(words: dict[str, str], allowed: tuple[str, ...], age: timedelta) -> None:
    """A source that only claims to be a PBX fails or is unknown with HIGH severity; no pass names the PBX for it."""
    facts = network(OF_AUSTIN, calls_row(STRANGER, at=NOW - age, **words), allowed=allowed, credentials_on=not allowed)
    facts["pbx_numbers"] = [{"pbx_id": "austin", "number": NUMBER}]
    found = run(snapshot_of(Case("", "", "", PASS, LOW, CANNOT, facts=facts)))
    about = [one for one in found if one.subject == STRANGER]

    assert any(one.status is not PASS and one.severity.at_least(HIGH) for one in about)
    assert [] == [one for one in about if one.status is PASS and (one.pbx_ids or one.reason.startswith("Austin"))]


def test_the_fix_of_a_shared_address_names_both_pbxs() -> None:
    """Label, owner and purpose of the new entry name every PBX behind the address."""
    snapshot = snapshot_of(next(case for case in CASES if case.name.startswith("the caller id of one")))
    check = next(one for one in discover() if one.id == "call_source_is_allowed")
    (finding,) = check.findings(snapshot)
    (change,) = finding.changes

    assert ("Tampa and Orlando", "South") == (change.label, change.owner)
    assert golden("fixes.changes.purpose", pbx="Tampa and Orlando") == change.purpose
    assert (("tampa", "orlando"), True) == snapshot.owners_of(NAT)
