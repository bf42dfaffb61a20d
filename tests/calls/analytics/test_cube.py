"""The cube: its sums equal those of the roll-up, however it is sliced."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboard import schemas
from dashboard.calls.analytics.cube import CubePart, build_cube, empty_cube
from dashboard.calls.attribution import attribute
from dashboard.calls.ingest.importer import import_files
from dashboard.domain.snapshot import Account, Snapshot
from tests.builders import frame, pbx
from tests.calls.exports import NOON, a_row, at, rows_at

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REFUSED = {"result": "failed", "call_fail_sip_code": "403", "call_fail_reason": "Tech Prefix and IP not in ACL - x"}
MOVED = NOON + timedelta(minutes=30)


@pytest.fixture
def snapshot(store, export):
    """Return two days of calls: of a PBX that receives an address at 12:30, and of an unassigned address."""
    rows = [
        a_row(start_time=at(NOON), custom_x_tag="", callerid="", duration="3", total_cost="0.01"),
        a_row(start_time=at(NOON + 2 * HOUR), custom_x_tag="", callerid="", total_cost="0.02"),
        a_row(start_time=at(NOON + DAY), custom_x_tag="", callerid="", total_cost="0.03", destination_name="UK"),
        a_row(start_time=at(NOON + DAY), custom_x_tag="", callerid="", customer_ip="198.51.100.66:1", **REFUSED),
        a_row(start_time=at(NOON + DAY), direction="Inbound"),
    ]
    import_files(store, [export(rows)])
    owned = frame(schemas.PBX_ADDRESSES, [{"pbx_id": "a", "address": "198.51.100.11", "valid_from": MOVED}])
    pbxs = frame(schemas.PBXS, [pbx("a", name="Denver")])
    split_at = (MOVED, NOON + DAY)
    since = NOON - DAY
    traffic = attribute(
        store.traffic(since=since, split_at=split_at, step="segment"),
        pbxs=pbxs,
        pbx_addresses=owned,
        pbx_numbers=schemas.empty(schemas.PBX_NUMBERS),
    )
    return Snapshot(
        taken_at=NOON + 2 * DAY,
        account=Account("12345678", credentials_on=True),
        pbxs=pbxs,
        pbx_addresses=owned,
        traffic=traffic,
        since=since,
        window_start=since,
        split_at=split_at,
    )


def taken(store, snapshot, at):
    """Return the snapshot again with the calls that the store has now."""
    traffic = attribute(
        store.traffic(since=snapshot.since, split_at=snapshot.split_at, step="segment"),
        pbxs=snapshot.pbxs,
        pbx_addresses=snapshot.pbx_addresses,
        pbx_numbers=snapshot.pbx_numbers,
    )
    return replace(snapshot, traffic=traffic, taken_at=at)


@pytest.fixture
def cube(store, snapshot):
    """Return the cube of those calls."""
    return build_cube(store, snapshot)


def test_callers_follow_address_ownership_to_the_instant(cube):
    """
    Callers are told apart at the instant an address changes owner.

    The calls of one hour may belong to two callers; unassigned callers are identified by address.
    """
    found = cube.sums("who").set_index("who")["calls"].to_dict()

    assert found == {"Denver": 2, "198.51.100.11 (unassigned)": 1, "198.51.100.66 (unassigned)": 1}


def test_sums_are_exact(cube):
    """Calls, short calls, seconds and money of outbound calls are summed exactly; money stays decimal."""
    (whole,) = cube.sums().to_dict("records")

    assert whole == {"calls": 4, "short_calls": 1, "duration_s": 3 + 3 * 60, "cost_usd": Decimal("0.06980000")}


@pytest.mark.parametrize(
    ("part", "calls"),
    [
        (CubePart(), 4),
        (CubePart(since=NOON + HOUR), 3),
        (CubePart(since=NOON, until=NOON + DAY), 2),
        (CubePart(who="Denver"), 2),
        (CubePart(outcome="refused_auth"), 1),
        (CubePart(code="403 Tech Prefix and IP not in ACL"), 1),
        (CubePart(zone="UK", who="Denver"), 1),
        (CubePart(zone="Nowhere"), 0),
    ],
)
def test_parts_filter_time_and_dimensions(cube, part, calls):
    """Time and every dimension filter, alone and together; a value that does not occur gives no row."""
    assert cube.sums(part=part)["calls"].sum() == calls


def test_steps_are_those_of_the_zone(cube):
    """Steps follow the time zone: noon in UTC is morning in Los Angeles and the next day in Auckland."""
    for zone, days in (("UTC", [2, 3]), ("America/Los_Angeles", [2, 3]), ("Pacific/Auckland", [3, 4])):
        found = cube.sums("outcome", step="day", zone=ZoneInfo(zone))
        assert sorted({moment.day for moment in found["at"]}) == days
    week = cube.sums(step="week", zone=ZoneInfo("UTC"))

    assert dict(zip(week["at"], week["calls"], strict=True)) == {12: 1, 14: 1, 24 + 12: 2}


@pytest.mark.parametrize(
    "zone",
    ["UTC", "America/Denver", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"],
)
def test_days_of_every_zone_add_up_to_its_calls(store, snapshot, export, zone):
    """
    Each local day has exactly its calls, and hours and owners do not change.

    This includes zones where a day begins within an hour of UTC.
    """
    begins = [NOON + timedelta(minutes=7) * number for number in range(600)]
    import_files(store, [export(rows_at(*begins, custom_x_tag="", callerid=""))])
    place = ZoneInfo(zone)
    known = taken(store, snapshot, NOON + 4 * DAY)
    outbound = [NOON, NOON + 2 * HOUR, NOON + DAY, NOON + DAY, *begins]
    expected = Counter(moment.astimezone(place).date() for moment in outbound)
    plain = build_cube(store, known)
    found = build_cube(store, known, zone=place)

    days = found.sums(step="day", zone=place)
    assert expected == dict(zip(days["at"].dt.date, days["calls"], strict=True))
    for names, step in ((("who",), ""), (("who", "outcome"), "hour")):
        mine, theirs = (
            made.sums(*names, step=step, zone=place).sort_values([*(["at"] if step else []), *names], ignore_index=True)
            for made in (found, plain)
        )
        pd.testing.assert_frame_equal(mine, theirs)


def test_half_hour_zone_slice_begins_at_local_midnight(store, snapshot, export):
    """A slice that begins at local midnight of a half-hour zone has the calls from then on."""
    midnight = (NOON + DAY).astimezone(ZoneInfo("Asia/Kolkata")).replace(hour=0, minute=0).astimezone(UTC)
    import_files(store, [export(rows_at(midnight - timedelta(seconds=1), midnight, custom_x_tag="", callerid=""))])
    made = build_cube(store, taken(store, snapshot, NOON + 2 * DAY), zone=ZoneInfo("Asia/Kolkata"))

    assert made.sums(part=CubePart(since=midnight))["calls"].sum() == 3
    assert made.sums(part=CubePart(until=midnight))["calls"].sum() == 3


def test_empty_cube_returns_empty_frames(cube):
    """Without calls, every query returns an empty answer with its usual columns."""
    empty = empty_cube()

    for names, step in (((), ""), (("who", "zone"), "day"), ((), "week")):
        assert list(empty.sums(*names, step=step).columns) == list(cube.sums(*names, step=step).columns)
        assert empty.sums(*names, step=step).empty


def test_sparse_count_equals_dense_count(store, snapshot, cube):
    """Where there are too many combinations for a dense count, counting only those that occur gives the same answer."""
    names = ("who", "outcome", "code", "zone")
    sparing = build_cube(store, snapshot, most_cells=1)

    pd.testing.assert_frame_equal(*(made.sums(*names, step="hour", zone=ZoneInfo("UTC")) for made in (cube, sparing)))
