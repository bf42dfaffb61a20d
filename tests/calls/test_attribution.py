"""Attribution of calls to PBXs: the order of the rules, and undecided cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from dashboard import schemas
from dashboard.calls.attribution import attribute
from dashboard.calls.ingest.importer import import_files
from tests.calls.exports import NOON, rows_at

DAY = timedelta(days=1)
MOVED = datetime(2026, 11, 1, tzinfo=UTC)


def pbxs(**tags: str) -> pd.DataFrame:
    """Return PBXS with ids and X-Tags."""
    fixed = {"ip_kind": "static", "auth_method": "ip", "status": "active"}
    rows = [{"pbx_id": pbx_id, "name": pbx_id.title(), "x_tag": tag, **fixed} for pbx_id, tag in tags.items()]
    return schemas.conform(pd.DataFrame(rows), schemas.PBXS, source="test") if rows else schemas.empty(schemas.PBXS)


def addresses(*rows: tuple[str, str] | tuple[str, str, object, object]) -> pd.DataFrame:
    """Return PBX_ADDRESSES from (pbx, address) or (pbx, address, from, to)."""
    names = ["pbx_id", "address", "valid_from", "valid_to"]
    frame = pd.DataFrame([(*row, None, None)[:4] for row in rows], columns=names)
    return schemas.conform(frame, schemas.PBX_ADDRESSES, source="test")


def numbers(**owned: str) -> pd.DataFrame:
    """Return PBX_NUMBERS by PBX."""
    frame = pd.DataFrame(owned.items(), columns=["pbx_id", "number"])
    return schemas.conform(frame, schemas.PBX_NUMBERS, source="test")


def a_call(**changed: object) -> pd.DataFrame:
    """Return one row of TRAFFIC."""
    row = {
        "hour_at": NOON,
        "direction": "outbound",
        "source_ip": "192.0.2.1",
        "x_tag": "",
        "number": "",
        "outcome": "answered",
        "sip_status": 200,
        "zone": "",
        "calls": 1,
        "duration_s": 60,
        "billed_s": 60,
        "cost_usd": Decimal(0),
        "first_at": NOON,
        "last_at": NOON,
    }
    return schemas.conform(pd.DataFrame([row | changed]), schemas.TRAFFIC, source="test")


INVENTORY = {
    "pbxs": pbxs(seattle="seattle", denver="", twin_a="twin", twin_b="twin"),
    "pbx_addresses": addresses(
        ("denver", "198.51.100.23", None, MOVED),
        ("denver", "198.51.100.24", MOVED, None),
        ("seattle", "198.51.100.11"),
        ("denver", "198.51.100.11", None, NOON - DAY),
        ("denver", "198.51.100.24"),
        ("twin_a", "198.51.100.99"),
        ("twin_b", "198.51.100.99"),
    ),
    "pbx_numbers": pd.concat(
        [
            numbers(seattle="12065550100", denver="13035550100", twin_a="15555550100", twin_b="15555550100"),
            numbers(twin_b="16665550100"),
        ],
        ignore_index=True,
    ),
}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"x_tag": "seattle"}, ("seattle", "x_tag")),
        ({"x_tag": "seattle", "source_ip": "198.51.100.24"}, ("seattle", "x_tag")),
        ({"x_tag": "nobody", "source_ip": "198.51.100.24"}, ("denver", "address")),
        ({"x_tag": "twin", "source_ip": "198.51.100.24"}, ("denver", "address")),
        ({"x_tag": "twin"}, ("", "")),
        ({"source_ip": "198.51.100.24"}, ("denver", "address")),
        ({"source_ip": "198.51.100.24", "number": "12065550100"}, ("denver", "address")),
        ({"source_ip": "198.51.100.11"}, ("seattle", "address")),
        ({"source_ip": "198.51.100.11", "first_at": NOON - DAY}, ("seattle", "address")),
        ({"source_ip": "198.51.100.11", "first_at": NOON - 2 * DAY}, ("denver|seattle", "shared_address")),
        ({"source_ip": "198.51.100.99"}, ("twin_a|twin_b", "shared_address")),
        ({"source_ip": "198.51.100.99", "number": "13035550100"}, ("twin_a|twin_b", "shared_address")),
        ({"source_ip": "198.51.100.99", "number": "16665550100"}, ("twin_b", "caller_id")),
        ({"source_ip": "198.51.100.99", "number": "16665550100", "x_tag": "odd"}, ("twin_a|twin_b", "shared_address")),
        ({"source_ip": "198.51.100.99", "x_tag": "seattle"}, ("seattle", "x_tag")),
        ({"number": "12065550100"}, ("seattle", "caller_id")),
        ({"number": "15555550100"}, ("", "")),
        ({"number": "12065550100", "x_tag": "nobody"}, ("", "")),
        ({"number": ""}, ("", "")),
        ({"direction": "inbound", "number": "13035550100"}, ("denver", "number")),
        ({"direction": "inbound", "number": "13035550100", "x_tag": "seattle"}, ("denver", "number")),
        ({"direction": "inbound", "number": "19995550100", "source_ip": "198.51.100.24"}, ("", "")),
    ],
)
def test_attribution_rules_apply_in_order(call, expected):
    """The order is X-Tag, address at that time (all its owners), caller id; inbound the called number."""
    row = attribute(a_call(**call), **INVENTORY).iloc[0]

    assert (row["pbx_id"], row["attributed_by"]) == expected


@pytest.mark.parametrize(
    ("moment", "address", "pbx"),
    [
        (MOVED - timedelta(seconds=1), "198.51.100.23", "denver"),
        (MOVED, "198.51.100.23", ""),
        (MOVED + DAY, "198.51.100.23", ""),
    ],
)
def test_an_address_is_valid_up_to_its_end(moment, address, pbx):
    """Validity is half open: at the instant an address ends it no longer belongs to its PBX."""
    assert attribute(a_call(first_at=moment, source_ip=address), **INVENTORY)["pbx_id"].item() == pbx


def test_calls_and_roll_up_are_attributed_alike(store, export):
    """Single calls and the rows that count them are attributed to the same PBXs."""
    rows = [
        *rows_at(NOON, custom_x_tag="seattle"),
        *rows_at(NOON, custom_x_tag="", customer_ip="198.51.100.24:5060"),
        *rows_at(NOON, custom_x_tag="", customer_ip="192.0.2.9", callerid="+12065550100"),
        *rows_at(NOON, custom_x_tag="nobody", customer_ip="192.0.2.9", callerid="+12065550100"),
        *rows_at(NOON, direction="Inbound", destination="13035550100", custom_x_tag=""),
    ]
    import_files(store, [export(rows)])

    calls = attribute(store.calls(), **INVENTORY)
    traffic = attribute(store.traffic(since=NOON), **INVENTORY)

    by_calls = calls.groupby(["pbx_id", "attributed_by"]).size().to_dict()
    assert by_calls == traffic.groupby(["pbx_id", "attributed_by"])["calls"].sum().to_dict()
    assert by_calls == {
        ("", ""): 1,
        ("denver", "address"): 1,
        ("denver", "number"): 1,
        ("seattle", "caller_id"): 1,
        ("seattle", "x_tag"): 1,
    }


def test_without_an_inventory_nothing_is_attributed():
    """Without an inventory or calls, the frame is returned with its columns."""
    nothing = {
        "pbxs": schemas.empty(schemas.PBXS),
        "pbx_addresses": schemas.empty(schemas.PBX_ADDRESSES),
        "pbx_numbers": schemas.empty(schemas.PBX_NUMBERS),
    }
    traffic = schemas.empty(schemas.TRAFFIC)

    assert attribute(a_call(x_tag="seattle"), **nothing)["pbx_id"].item() == ""
    assert attribute(traffic, **INVENTORY).equals(traffic)
    assert attribute(schemas.empty(schemas.CALLS), **INVENTORY).equals(schemas.empty(schemas.CALLS))


def test_a_configured_address_takes_no_call_from_the_pbx_that_is_known_to_have_it() -> None:
    """Declared and observed addresses take precedence over an address in a copied configuration."""
    both = addresses(("seattle", "198.51.100.11"), ("denver", "198.51.100.11"), ("reno", "198.51.100.90"))
    both["source"] = ["declared", "configured", "configured"]

    for source, pbx in (("198.51.100.11", "seattle"), ("198.51.100.90", "reno")):
        call = a_call(source_ip=source, x_tag="", caller_id="")
        found = attribute(call, pbxs=pbxs(), pbx_addresses=both, pbx_numbers=numbers())
        assert [pbx] == list(found["pbx_id"])
