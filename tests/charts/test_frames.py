"""Chart frames from calls, compared with a slow count of the same rows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.calls.analytics.cube import GROUP, Cube, CubePart
from dashboard.calls.store.store import NO_CELLS
from dashboard.charts import frames
from dashboard.charts.charts import KIND_OF_OUTCOME
from tests.texts import golden

MONDAY = datetime(2026, 11, 2)  # noqa: DTZ001 - times of the store are naive UTC
OWNERS = [f"PBX {number}" for number in range(14)]
ENDINGS = [("answered", 200, "OK"), ("refused_auth", 403, "Tech Prefix and IP not in ACL"), ("network", None, "")]
ZONES = [ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")]
UTC = ZoneInfo("UTC")

a_row = st.fixed_dictionaries(
    {
        "hour": st.integers(0, 20 * 24),
        "owner": st.integers(0, len(OWNERS) - 1),
        "ending": st.sampled_from(ENDINGS),
        "zone": st.sampled_from(["UNITED STATES", "CANADA", ""]),
        "calls": st.integers(1, 9),
        "cost": st.integers(0, 10**9),
    }
)
some_rows = st.lists(a_row, min_size=1, max_size=30)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Row = dict[str, Any]


def row_at(hour: datetime) -> dict[str, Any]:
    """Return a row of a cube for an hour: a group, and the sums of its calls."""
    return {
        "who": OWNERS[0],
        "confirmed": "yes",
        "attributed_by": "address",
        "direction": "outbound",
        "origin": "carrier",
        "policy": "",
        "outcome": "answered",
        "sip_status": 200,
        "sip_reason": "OK",
        "hour_at": hour,
        "zone": "",
        "calls": 1,
        "short_calls": 0,
        "duration_s": 60,
        "cost_units": 0,
    }


def made_of(rows: list[dict[str, Any]]) -> Cube:
    """Return the cube of rows as ``row_at`` makes them."""
    cells = [
        {"row": number} | {name: row[name] for name in NO_CELLS.column_names[1:]} for number, row in enumerate(rows)
    ]
    groups = pd.DataFrame(rows)[list(GROUP)].astype({"sip_status": "Int64"})
    return Cube(groups, pyarrow.Table.from_pylist(cells, NO_CELLS.schema))


def cube_of(rows: list[Row]) -> Cube:
    """Return a cube of the rows."""
    return made_of(
        [
            row_at(MONDAY + timedelta(hours=row["hour"]))
            | {
                "who": OWNERS[row["owner"]],
                **dict(zip(("outcome", "sip_status", "sip_reason"), row["ending"], strict=True)),
                "zone": row["zone"],
                "calls": row["calls"],
                "cost_units": row["cost"],
            }
            for row in rows
        ]
    )


def largest(counted: Counter[tuple[str, str]]) -> set[str]:
    """Return the displayed bars, those with most calls; ties may be resolved either way."""
    whole: Counter[str] = Counter()
    for (name, _), calls in counted.items():
        whole[name] += calls
    return {name for name, _ in whole.most_common(frames.MOST_ROWS)}


@few
@given(some_rows)
def test_bars_are_the_calls_by_kind(rows: list[Row]) -> None:
    """Bars by PBX and by SIP status equal a count of the rows, limited to those with most calls."""
    cube = cube_of(rows)
    by_pbx: Counter[tuple[str, str]] = Counter()
    by_code: Counter[tuple[str, str]] = Counter()
    for row in rows:
        outcome, code, reason = row["ending"]
        by_pbx[OWNERS[row["owner"]], KIND_OF_OUTCOME[outcome]] += row["calls"]
        by_code[f"{code or 'no code'} {reason}".strip(), KIND_OF_OUTCOME[outcome]] += row["calls"]

    for found, name, counted in (
        (frames.by_pbx(cube, CubePart()), "who", by_pbx),
        (frames.by_code(cube, CubePart()), "code", by_code),
    ):
        told = dict(zip(zip(found[name], found["kind"], strict=True), found["calls"], strict=True))
        assert told.items() <= counted.items()
        shown = {bar for bar, _ in told}
        assert len(shown) == len(largest(counted))
        sums = {bar: sum(n for (one, _), n in counted.items() if one == bar) for bar, _ in counted}
        assert all(sums[bar] <= min(sums[one] for one in shown) for bar in sums.keys() - shown)
        assert sum(told.values()) == sum(sums[bar] for bar in shown)


@few
@given(some_rows, st.sampled_from(ZONES))
def test_hours_of_the_week_are_those_of_the_zone(rows: list[Row], zone: ZoneInfo) -> None:
    """All hours of the week are present, in the viewer's time zone; Monday's first hour is 0."""
    found = frames.by_hour_of_week(cube_of(rows), CubePart(), zone)

    counted: Counter[tuple[int, int]] = Counter()
    for row in rows:
        local = (MONDAY + timedelta(hours=row["hour"])).replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)
        counted[local.weekday(), local.hour] += row["calls"]
    assert len(found) == 7 * 24
    told = {
        (day, hour): value for day, hour, value in zip(found["weekday"], found["hour"], found["value"], strict=True)
    }
    assert {place: calls for place, calls in told.items() if calls} == dict(counted)


@pytest.mark.parametrize(
    ("key", "drawn"),
    [
        ("Asia/Kolkata", "UTC"),
        ("Australia/Adelaide", "UTC"),
        ("Asia/Kathmandu", "UTC"),
        ("America/New_York", "America/New_York"),
        ("Asia/Tokyo", "Asia/Tokyo"),
        ("UTC", "UTC"),
    ],
)
def test_hours_that_cannot_be_had_are_said_to_be_those_of_utc(key: str, drawn: str) -> None:
    """The roll-up has UTC hours: for a zone with fractional offset UTC is drawn, and the caption says so."""
    zone = ZoneInfo(key)
    since = MONDAY.replace(tzinfo=UTC)
    found = frames.zone_of_hours(zone, since, since + timedelta(days=20))

    assert drawn == found.key
    said = frames.hours_note(found, zone)
    assert golden("charts.hours_are_those_of", drawn=drawn) in said
    assert key in said
    assert ("begin within them" in said) is (drawn != key)


def test_a_zone_that_moves_by_half_an_hour_is_drawn_only_while_its_hours_are_those_of_utc() -> None:
    """Lord Howe Island is 11 hours ahead in summer and 10:30 in winter."""
    zone = ZoneInfo("Australia/Lord_Howe")
    summer = datetime(2026, 1, 5, tzinfo=UTC)
    winter = datetime(2026, 6, 1, tzinfo=UTC)

    assert zone == frames.zone_of_hours(zone, summer, summer + timedelta(days=9))
    assert UTC == frames.zone_of_hours(zone, summer, winter)
    assert UTC == frames.zone_of_hours(zone, winter, winter)


@pytest.mark.parametrize("begin", [datetime(2026, 10, 31), datetime(2026, 3, 7)])  # noqa: DTZ001 - times of the store are naive UTC
def test_hours_of_the_week_follow_the_clock_change(begin: datetime) -> None:
    """Around a clock change of New York, each UTC hour counts at its local hour."""
    zone = ZONES[-1]
    hours = range(48)
    told = [{**row_at(begin + timedelta(hours=hour)), "calls": hour + 1} for hour in hours]
    found = frames.by_hour_of_week(made_of(told), CubePart(), zone)

    counted: Counter[int] = Counter()
    for hour in hours:
        local = (begin + timedelta(hours=hour)).replace(tzinfo=UTC).astimezone(zone)
        counted[local.weekday() * 24 + local.hour] += hour + 1
    assert [counted[place] for place in range(7 * 24)] == found["value"].tolist()


@few
@given(some_rows)
def test_the_costliest_destinations_come_first(rows: list[Row]) -> None:
    """Destinations without cost are omitted; calls and dollars equal the sums of the rows."""
    found = frames.by_destination(cube_of(rows), CubePart())

    costs: Counter[str] = Counter()
    for row in rows:
        costs[str(row["zone"])] += row["cost"]
    assert [cost for _, cost in costs.most_common() if cost] == [int(cost * 10**8) for cost in found["cost_usd"]]
    for zone, calls in zip(found["zone"], found["calls"], strict=True):
        assert calls == sum(row["calls"] for row in rows if row["zone"] == zone)
