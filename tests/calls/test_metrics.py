"""What calls add up to: sums, shares with their sample, series."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pandas as pd
import pytest

from dashboard import tables
from dashboard.calls import metrics
from tests.calls.exports import NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def traffic(*rows: dict[str, object]) -> pd.DataFrame:
    """Return TRAFFIC rows; each is an answered outbound call of Seattle at noon, with what is changed."""
    usual = {
        "hour_at": NOON,
        "direction": "outbound",
        "source_ip": "198.51.100.11",
        "x_tag": "",
        "number": "",
        "outcome": "answered",
        "sip_status": 200,
        "zone": "UNITED STATES",
        "calls": 1,
        "duration_s": 60,
        "billed_s": 60,
        "cost_usd": "0.01000000",
        "first_at": NOON,
        "last_at": NOON,
        "pbx_id": "seattle",
    }
    frame = pd.DataFrame([usual | row for row in rows])
    frame["cost_usd"] = [Decimal(str(cost)) for cost in frame["cost_usd"]]
    frame["sip_status"] = frame["sip_status"].astype("Int64")
    return tables.conform(frame, tables.TRAFFIC, source="test")


REFUSED = {"outcome": "refused_auth", "sip_status": 403, "duration_s": 0, "cost_usd": "0"}
MIXED = traffic(
    {"calls": 30, "duration_s": 3600, "cost_usd": "0.50000000"},
    {"calls": 10, **REFUSED},
    {"calls": 19, "pbx_id": "denver", **REFUSED, "hour_at": NOON + DAY},
    {"calls": 5, "pbx_id": "", "source_ip": "203.0.113.66", "zone": "UK PREMIUM", "cost_usd": "400.00000001"},
    {"calls": 1, "direction": "inbound", "outcome": "other", "sip_status": None, "hour_at": NOON + HOUR},
)


def test_totals():
    """Calls, answered, refused, minutes of talk, exact dollars; ASR and refusal share with what they are made of."""
    found = metrics.totals(MIXED)

    assert (found.calls, found.answered, found.refused) == (65, 35, 29)
    assert found.minutes == pytest.approx((3600 + 60 + 60) / 60)
    assert found.cost_usd == Decimal("400.51000001")
    assert (found.asr.numerator, found.asr.denominator) == (35, 65)
    assert found.asr.value == pytest.approx(35 / 65)
    assert found.refusal_share.value == pytest.approx(29 / 65)


def test_a_share_of_few_calls_is_not_shown():
    """Below the minimum sample a share has no value."""
    assert metrics.Ratio(10, metrics.MIN_SAMPLE - 1).value is None
    assert metrics.Ratio(10, metrics.MIN_SAMPLE).value == 0.5


def test_refusal_share_by_pbx():
    """By PBX (or the address nobody owns) and day, of outbound calls, with n; missing where n is small."""
    share = metrics.refusal_share_by_pbx(MIXED).set_index(["who", "at"])
    noon_day = NOON.replace(hour=0)

    assert share.loc[("seattle", noon_day), ["calls", "refused", "share"]].tolist() == [40, 10, 0.25]
    assert share.loc[("denver", noon_day + DAY), "calls"] == 19
    assert pd.isna(share.loc[("denver", noon_day + DAY), "share"])
    assert share.loc[("203.0.113.66", noon_day), "pbx_id"] == ""


def test_by_pbx_and_by_source():
    """A row per caller, most calls first, with sums, shares, first and last call."""
    pbxs = metrics.by_pbx(MIXED)
    sources = metrics.by_source(MIXED)

    assert pbxs["who"].tolist() == ["seattle", "denver", "203.0.113.66"]
    assert pbxs["calls"].tolist() == [41, 19, 5]
    assert pbxs.loc[0, "asr"] == pytest.approx(30 / 41)
    assert pd.isna(pbxs.loc[1, "refusal_share"])
    assert sources.set_index("source_ip").loc["203.0.113.66", "cost_usd"] == Decimal("400.00000001")


def test_outcomes_and_cost_over_time():
    """Series add up to the whole, in buckets of an hour or a day."""
    days = metrics.outcome_series(MIXED).set_index(["at", "outcome"])["calls"]
    hours = metrics.cost_series(MIXED).set_index("at")

    assert days[(NOON.replace(hour=0), "answered")] == 35
    assert days.sum() == metrics.outcome_series(MIXED, "hour")["calls"].sum() == 65
    assert hours.loc[NOON, "cost_usd"] == Decimal("400.50000001")


def test_codes_zones_and_hours_of_the_week():
    """By final code (also where there is none), by zone with the costliest first, by weekday and hour of a zone."""
    codes = metrics.by_sip_status(MIXED)
    zones = metrics.top_zones(MIXED, limit=1)
    week = metrics.hour_of_week(MIXED, "America/Los_Angeles").set_index(["weekday", "hour"])

    assert codes["calls"].tolist() == [35, 29, 1]
    assert pd.isna(codes["sip_status"].iloc[2])
    assert codes["share"].sum() == pytest.approx(1)
    assert zones[["zone", "calls"]].to_numpy().tolist() == [["UK PREMIUM", 5]]
    assert week.loc[(1, 4), ["calls", "refused"]].tolist() == [45, 10]


def test_no_calls_are_no_fault():
    """Every metric of an empty frame is empty, or zero."""
    nothing = tables.empty(tables.TRAFFIC)
    found = metrics.totals(nothing)

    assert (found.calls, found.minutes, found.cost_usd, found.asr.value) == (0, 0.0, Decimal(0), None)
    for metric in (
        metrics.outcome_series,
        metrics.cost_series,
        metrics.refusal_share_by_pbx,
        metrics.by_pbx,
        metrics.by_source,
        metrics.by_sip_status,
        metrics.top_zones,
        metrics.hour_of_week,
    ):
        assert metric(nothing).empty
